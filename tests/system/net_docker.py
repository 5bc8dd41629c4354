"""net_docker.py - the story of net_docker.sh. Prints TAP.

    front 172.18.0.0/16 -- a, b            back 172.19.0.0/16 (internal) -- a, c        six fd00:20::/64 -- e
"""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

from gate_taken import Devices
from netlib import LIMIT, TCP, UDP, V4, V6, Namespace, Netd, Tap, error_of, hello, outside_with_names, within
from netspoof import a4, checksum, ipv4

t = Tap("net_docker")
DOCKER = "127.0.0.11"
RULES = 3   # docker_lane.h
PAGE = b"a page of some lines\n" * 5000


def name_server(sock):
    """Whatever is asked for is at 192.0.2.7."""
    while True:
        data, peer = sock.recvfrom(4096)
        end = data.index(b"\0", 12) + 5
        sock.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:end] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7", peer)


def dig(ns, *words, server=DOCKER, wait=5):
    """(status, answers) as text: "NOERROR 172.18.0.3"; nobody answers: what dig says about it."""
    with ns:
        out = subprocess.run(["dig", f"@{server}", "+tries=1", f"+time={wait}", "+noall", "+comments", "+answer", *words],
                             capture_output=True, text=True).stdout
    status = re.search(r"status: (\w+)", out)
    answers = sorted(line.split()[4] for line in out.splitlines() if line and not line.startswith(";"))
    return " ".join([status.group(1), *answers]) if status else out


def is_(what, ns, *cases, server=DOCKER):
    """Each once its gateway has read what it was told."""
    for words, want in cases:
        got = []
        if not within(lambda: got.append(dig(ns, *words.split(), server=server)) or got[-1] == want):
            t.ok(what, False, f"dig {words}: {got[-1]}, not {want}")
            return
    t.ok(what, True)


def rules(ns):
    return [line for line in ns.ip("-4", "rule").splitlines() if re.match(r"1[12]:", line)]


def counted(network, who):
    """Its questions (wire/stats.h)."""
    numbers = ask("stats", network, who).split()
    return int(numbers[3 + 6 + 14])


far = outside_with_names(name_server)
a, b, c, e = (Namespace() for _ in range(4))
netd = Netd()
ask = netd.ask
ask("create", "front", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1")
ask("create", "back", "172.19.0.0/16", "172.19.0.1", "-", "-", "internal")
ask("create", "six", "-", "-", "fd00:20::/64", "fd00:20::1")
ATTACH_A = ("attach", "front", "a", a.path, "172.18.0.2", "fd00:18::2", "policy=dns-log", "name=a")
for words in (ATTACH_A, ("attach", "front", "b", b.path, "172.18.0.3", "-", "name=b"),
              ("attach", "back", "a", a.path, "172.19.0.2", "-", "if=eth1", "more", "name=a"),
              ("attach", "back", "c", c.path, "172.19.0.3", "-", "name=c"), ("attach", "six", "e", e.path, "-", "fd00:20::2", "name=e")):
    t.is_(" ".join(words[:3]), ask(*words), f"done {words[1]}")

# ---- it answers, as the gateway does
FIRST = [("b", "NOERROR 172.18.0.3"), ("example.org", "NOERROR 192.0.2.7"), ("c", "NOERROR 172.19.0.3"), ("nobody", "NXDOMAIN"),
         ("b +tcp", "NOERROR 172.18.0.3"), ("-b 0.0.0.0#1024 b", "NOERROR 172.18.0.3"), ("-x 172.18.0.3", "NOERROR b.front.")]
is_("names of its networks and of outside, by UDP and TCP", a, *FIRST)
is_("an internal network's own names, and nobody's outside", c, ("-q a", "NOERROR 172.19.0.2"), ("b", "NXDOMAIN"), ("example.org", "NXDOMAIN"))
before = counted("front", "a"), counted("front", "b")
dig(a, "b"), dig(a, "b", "+tcp")
t.is_("the one who asks is the member", (counted("front", "a") - before[0], counted("front", "b") - before[1]), (2, 0))
t.ok("and stands in the log", within(lambda: re.search(r"dns container=a type=A by=\w+ answer=NOERROR address=172.18.0.3 question=b\n", netd.log())), netd.log())
with a.open(V4, UDP) as s:
    s.connect((DOCKER, 53))
    t.is_("its socket has the container's address", s.getsockname()[0], "172.18.0.2")
t.like("without IPv4 nobody is there, at once", dig(e, "e", wait=LIMIT), "connection refused")
with a.open(V4, UDP) as s:
    s.settimeout(LIMIT)
    s.connect((DOCKER, 54))
    s.send(b"x")
    t.is_("another port of it is the container's own", error_of(lambda: s.recv(9)), "ECONNREFUSED")

# ---- it is in nobody's way
with b:
    own = [socket.socket(V4, UDP), socket.socket(V4, TCP), socket.socket(V4, UDP), socket.socket(V4, TCP)]
    t.is_("0.0.0.0:53 is free for who serves DNS itself, without options", [error_of(lambda s=s: s.bind(("0.0.0.0", 53))) for s in own[:2]], ["none"] * 2)
    own[1].listen()
    t.is_("addresses of 127.0.0.11 too", [error_of(lambda s=s: s.bind((DOCKER, 7000))) for s in own[2:]], ["none"] * 2)
    own[3].listen()
    for s in own:
        s.settimeout(LIMIT)
with a.open(V4, UDP) as s, b.open(V4, UDP) as s2, b.open(V4, UDP) as s3, b.open(V4, TCP) as s4:
    s.sendto(b"neighbour", ("172.18.0.3", 53))
    t.is_("its neighbour asks it", own[0].recv(99), b"neighbour")
    s2.sendto(b"itself", ("127.0.0.1", 53))
    t.is_("itself too", own[0].recv(99), b"itself")
    s3.sendto(b"loopback", (DOCKER, 7000))
    t.is_("what it has on 127.0.0.11 it reaches", own[2].recv(99), b"loopback")
    s4.connect((DOCKER, 7000))
    t.is_("by TCP too", own[3].accept()[1][0], "127.0.0.1")
is_("and 127.0.0.11:53 is the gateway all the same", b, ("-q a", "NOERROR 172.18.0.2"), ("-q a +tcp", "NOERROR 172.18.0.2"))
for s in own:
    s.close()
wide = Namespace()
with wide, open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
    file.write("1024 1099")
ask("attach", "front", "wide", wide.path, "172.18.0.9", "-", "name=wide")
is_("a namespace that gives its clients other ports", wide, *[("b +tcp", "NOERROR 172.18.0.3")] * 20)

# ---- a real program that has the address in its configuration
if shutil.which("nginx"):
    with b:
        back = socket.create_server(("172.18.0.3", 80))
    back.settimeout(LIMIT)
    with open("/run/nginx.conf", "w") as file:
        file.write("""daemon off; pid /run/nginx.pid; error_log stderr; events {} http { access_log off;
            client_body_temp_path /run/n1; proxy_temp_path /run/n2; fastcgi_temp_path /run/n3; uwsgi_temp_path /run/n4; scgi_temp_path /run/n5;
            resolver 127.0.0.11 ipv6=off; server { listen 127.0.0.1:8080; location / { set $who b; proxy_pass http://$who; } } }""")
    with a:
        nginx = subprocess.Popen(["nginx", "-e", "stderr", "-c", "/run/nginx.conf"], stderr=subprocess.PIPE)
    s = []

    def connected():
        s.append(a.open(V4, TCP))
        return error_of(lambda: s[-1].connect(("127.0.0.1", 8080))) == "none"
    within(connected)
    s[-1].sendall(b"GET /x HTTP/1.0\r\n\r\n")
    conn = back.accept()[0]
    t.ok("nginx with `resolver 127.0.0.11` finds its backend", conn.recv(4096).startswith(b"GET /x HTTP/1"))
    conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE)
    conn.close()
    s[-1].settimeout(LIMIT)
    with s[-1].makefile("rb") as got:
        t.ok("and its page comes through", got.read().endswith(b"\r\n\r\n" + PAGE))
    back.close()
    nginx.kill()
    nginx.wait()
else:
    for what in ("nginx with `resolver 127.0.0.11` finds its backend", "and its page comes through"):
        t.ok(f"{what} # SKIP no nginx", True)

# ---- a gateway is killed, containers come and go
os.kill(netd.gateways()["front"], signal.SIGKILL)
is_("killed: the next one answers", a, *FIRST)
for i in range(5):
    ask("detach", "front", "a")
    if i == 0:
        t.like("detached: nobody is there, at once", dig(a, "b", wait=LIMIT), "connection refused")
    assert ask(*ATTACH_A) == "done front"
is_("attached again", a, *FIRST)
t.is_("the rules are there once", len(rules(a)), RULES)
t.is_("and only with a way out by IPv4", len(rules(e)), 0)

# ---- a neighbour
ear = b.open(V4, UDP)
ear.bind(("", 6000))
with a.open(V4, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
    header = struct.pack("!HHHH", 53, 6000, 8 + 6, 0)
    for source, to in ((DOCKER, "172.18.0.3"), ("127.0.0.1", "172.18.0.3"), ("172.18.0.2", "172.18.0.3")):
        raw.sendto(ipv4(source, to, 17, header + b"forged"), ("172.18.0.3", 0))
t.is_("a neighbour does not speak for it", ear.recvfrom(99)[1][0], "172.18.0.2")
ear.settimeout(0)
t.is_("and nothing else came", error_of(lambda: ear.recv(99)), "EAGAIN")

# ---- a gateway that was taken over
with b:
    local, service, high, alone = (socket.socket(V4, UDP) for _ in range(4))
    local.bind(("127.0.0.1", 6001))
    service.bind(("", 1023))
    high.bind(("", 6003))
    alone.bind((DOCKER, 6001))
    web, web_high = socket.create_server(("", 8000)), socket.create_server(("", 32767))
devices = Devices(netd.gateways()["front"])


def segment(source, to, port, flags):
    """A client's first segment."""
    tcp = struct.pack("!HHIIBBHHH", 53, port, 7, 0, 5 << 4, flags, 65535, 0, 0)
    pseudo = a4(source) + a4(to) + struct.pack("!BBH", 0, 6, len(tcp))
    return tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]


def forge(source, port_from, to, port, what=b"forged"):
    for fd in devices.fds.values():
        os.write(fd, bytes(10) + ipv4(source, to, 17, struct.pack("!HHHH", port_from, port, 8 + len(what), 0) + what))


for port in (6001, 6003):
    for to in ("127.0.0.1", DOCKER, "127.8.8.8"):
        forge("172.18.0.1", 53, to, port)
        forge(DOCKER, 53, to, port)
for source in (DOCKER, "127.0.0.1", "127.0.0.12"):
    forge(source, 54, "172.18.0.3", 6003)
for source in ("127.0.0.1", "127.0.0.12"):
    forge(source, 53, "172.18.0.3", 6003)
forge(DOCKER, 53, "172.18.0.3", 1023)
with b.open(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as packets:
    for fd in devices.fds.values():
        for port in (8000, 32767):
            os.write(fd, bytes(10) + ipv4(DOCKER, "172.18.0.3", 6, segment(DOCKER, "172.18.0.3", port, 2)))
            os.write(fd, bytes(10) + ipv4("172.18.0.1", "172.18.0.3", 6, segment("172.18.0.1", "172.18.0.3", port, 2)))
    forge("172.18.0.1", 53, "172.18.0.3", 6003, b"last")
    high.settimeout(LIMIT)
    t.is_("a taken-over gateway speaks for no loopback address but 127.0.0.11:53", high.recvfrom(99), (b"last", ("172.18.0.1", 53)))
    answered, open_ = set(), True
    packets.settimeout(0)
    while open_:
        try:
            data, where = packets.recvfrom(70000)
        except BlockingIOError:
            break
        if where[2] == socket.PACKET_OUTGOING and data[9] == 6 and data[20 + 13] & 18 == 18:
            answered.add((socket.inet_ntoa(data[16:20]), struct.unpack("!H", data[20:22])[0]))
t.is_("as that it is no client of a service by TCP; control: as itself it is", answered, {("172.18.0.1", 8000), ("172.18.0.1", 32767)})
for s in (local, service, alone):
    s.settimeout(0)
t.is_("nor by UDP of one below 1024, and a loopback address it does not reach", [error_of(lambda s=s: s.recv(99)) for s in (local, service, alone)], ["EAGAIN"] * 3)
forge(DOCKER, 53, "172.18.0.3", 6003)
t.is_("what it can: a UDP port above, as what answers there", high.recvfrom(99), (b"forged", (DOCKER, 53)))
for s in (local, service, high, alone, web, web_high, ear):
    s.close()

# ---- netd is killed
netd.end(signal.SIGKILL)
within(lambda: not netd.gateways())
netd = Netd()
ask = netd.ask
ask("create", "front", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1")
ask(*ATTACH_A)
ask("attach", "front", "b", b.path, "172.18.0.3", "-", "name=b")
is_("netd was killed: it answers again", a, ("b", "NOERROR 172.18.0.3"), ("b +tcp", "NOERROR 172.18.0.3"), ("example.org", "NOERROR 192.0.2.7"))
t.is_("members talk past the gateway", hello(a, b, "172.18.0.3"), "172.18.0.2")
t.is_("it ends", netd.end(), 0)
if t.failed:
    print("".join(f"# log: {line}\n" for line in netd.log().splitlines()[-40:]), end="")
t.end()
