"""net_gate.py - the story of net_gate.sh: netd with the real gated, seen from containers and from outside."""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time

from netlib import LIMIT, TCP, UDP, V4, V6, Namespace, Netd, Tap, error_of, hello, outside, resolvers, sockets_of, within
from netspoof import checksum

t = Tap("net_gate")
BULK = 64 << 20
FRAMES_BYTES = 32 << 20
BACK_S = int(os.environ.get("BACK_S", "1"))	# until a killed gateway's port serves again, more than once: a busy machine may hold some up
HEADERS_BYTES = 14 + 20 + 8	# of a UDP datagram over IPv4 over Ethernet
with open("runtime/wire/stats.h") as header:
    GATE_FIELDS, DEVICE_FIELDS = (re.findall(r"^\tX\((\w+),", part, re.M) for part in header.read().split("#define STATS_DEVICE_LIST"))


def serve(sock, each):
    """Each connection or datagram to `each`, until the socket is closed."""
    def run():
        while True:
            try:
                got = sock.accept() if sock.type == TCP else sock.recvfrom(65536)
            except OSError:
                return
            threading.Thread(target=each, args=(sock, *got), daemon=True).start()
    sock.settimeout(None)
    threading.Thread(target=run, daemon=True).start()
    return sock


def echo(_, conn, peer):
    """Says who the client is, then what it says."""
    with conn:
        conn.sendall(f"{peer[0]}\n".encode())
        while data := conn.recv(65536):
            conn.sendall(data)


def bulk(_, conn, __):
    with conn:
        block = bytes(range(256)) * 256
        for _ in range(BULK // len(block)):
            conn.sendall(block)


def echo_udp(sock, data, peer):
    sock.sendto(peer[0].encode() + b" " + data, peer)


def name_server(sock, data, peer):
    """192.0.2. and the last number of its own address, for every question about A."""
    question = data[12:data.index(b"\0", 12) + 5]
    sock.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2" + socket.inet_aton(sock.getsockname()[0])[3:], peer)


def listen(ns, port, each, family=V4, kind=TCP, address=""):
    if kind == TCP:
        return serve(ns.listen(port, family), each)
    s = ns.open(family, kind)
    s.bind((address, port))
    return serve(s, each)


def first_line(ns, address, port, family=V4):
    """What the server behind it says the client is."""
    with (ns.open(family, TCP) if ns else socket.socket(family, TCP)) as s:
        s.settimeout(LIMIT)
        s.connect((address, port))
        return s.makefile().readline().strip()


def ask_udp(ns, address, port, data=b"hi", family=V4):
    with (ns.open(family, UDP) if ns else socket.socket(family, UDP)) as s:
        s.settimeout(LIMIT)
        s.sendto(data, (address, port))
        return s.recv(65536)


def ask_link_local(ns, port):
    """The machine's link-local address asked, from ns's own: when duplicates have been looked for."""
    def addresses(device):
        got = subprocess.run(["ip", "-6", "-o", "addr", "show", "dev", device, "scope", "link", "-tentative"], capture_output=True, text=True)
        return re.findall(r"inet6 ([^/]*)", got.stdout)

    def both():
        mine = addresses("out0")
        with ns:
            return addresses("eth0") and mine
    address = within(both)[0]
    with ns.open(V6, UDP) as s:
        with ns:
            link = socket.if_nametoindex("eth0")
        s.sendto(b"hi", (address, port, 0, link))
        return s.recv(100)


def link_local_client(ns):
    """fe80::77 there, which another link may have too."""
    s = ns.open(V6, UDP)
    with ns:
        link = socket.if_nametoindex("eth0")
    s.bind(("fe80::77", 5000, 0, link))
    return s


def ask_from(s, port):
    s.sendto(b"hi", ("fe80::1", port, 0, s.getsockname()[3]))
    return s.recv(100)


def ask_udp_segments(ns, address, port, size, count):
    """One send that the kernel is to cut into `count` datagrams; the answers to them."""
    with ns.open(V4, UDP) as s:
        s.settimeout(LIMIT)
        s.setsockopt(socket.IPPROTO_UDP, 103, size)     # UDP_SEGMENT
        s.sendto(b"".join(bytes([65 + i]) * size for i in range(count)), (address, port))
        return [s.recv(65536) for _ in range(count)]


def resolve(ns, name, server="172.18.0.1"):
    """Addresses of a name, or the answer's code."""
    wire = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
    data = ask_udp(ns, server, 53, os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + wire + b"\0\1\0\1")
    code, count, at, found = data[3] & 15, struct.unpack("!H", data[6:8])[0], 12 + len(wire) + 4, []
    for _ in range(count):
        at += 2 if data[at] >= 0xc0 else data.index(b"\0", at) - at + 1
        size = struct.unpack("!H", data[at + 8:at + 10])[0]
        if size == 4:
            found.append(socket.inet_ntoa(data[at + 10:at + 14]))
        at += 10 + size
    return found or code


def ping(ns, address):
    with ns.open(V4, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        packet = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"12345678"
        s.sendto(packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:], (address, 0))
        while True:
            data = s.recv(2048)[20:]
            if data[0] == 8:
                continue
            return data[0], data[1], data[8:]


far = outside()
for last in (53, 54):
    far.ip("addr", "add", f"10.9.0.{last}/24", "dev", "eth0")
resolvers("10.9.0.53")
a, b, c, d = Namespace(), Namespace(), Namespace(), Namespace()
netd = Netd()
ask = netd.ask
ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1")
ask("create", "two", "172.19.0.0/24", "172.19.0.1", "-", "-")
ask("create", "inner", "172.20.0.0/24", "172.20.0.1", "-", "-", "internal")
for net, ns, name, four, six in (("lab", a, "a", "172.18.0.2", "fd00:18::2"), ("lab", b, "b", "172.18.0.3", "fd00:18::3"), ("two", c, "c", "172.19.0.2", "-"),
                                 ("inner", d, "d", "172.20.0.2", "-")):
    t.is_(f"{name} is attached to {net}", ask("attach", net, name, ns.path, four, six, f"name={name}", f"name=the-{name}"), f"done {net}")
keep = [listen(far, 7000, echo, V6), listen(far, 7001, echo_udp, V4, UDP), listen(far, 7002, bulk), listen(far, 53, name_server, V4, UDP, "10.9.0.53"),
        listen(b, 80, echo, V6), listen(b, 5353, echo_udp, V4, UDP),
        listen(b, 5354, lambda s, _, peer: s.sendto(b"k", peer), V4, UDP), listen(c, 80, echo), listen(d, 80, echo),
        listen(d, 5353, echo_udp, V4, UDP)]

# ---- out
t.is_("TCP, IPv4: the world sees the machine", first_line(a, "10.9.0.2", 7000), "::ffff:10.9.0.1")
t.is_("TCP, IPv6", first_line(a, "fd09::2", 7000, V6), "fd09::1")
t.is_("UDP", ask_udp(a, "10.9.0.2", 7001), b"10.9.0.1 hi")
t.is_("a datagram in fragments", ask_udp(a, "10.9.0.2", 7001, b"x" * 20000), b"10.9.0.1 " + b"x" * 20000)
t.is_("datagrams that were sent at once stay datagrams (UDP_SEGMENT)", sorted(ask_udp_segments(a, "10.9.0.2", 7001, 1000, 9)),
      [b"10.9.0.1 " + bytes([65 + i]) * 1000 for i in range(9)])
t.is_("echo", ping(a, "10.9.0.2"), (0, 0, b"12345678"))
t.is_("echo of the gateway", ping(a, "172.18.0.1"), (0, 0, b"12345678"))
with a.open(V4, TCP) as s:
    t.is_("a closed port of the world is refused", error_of(lambda: s.connect(("10.9.0.2", 7999))), "ECONNREFUSED")
took, errors = [], set()
for i in range(20):
    start = time.monotonic()
    with a.open(V4, TCP) as s:
        errors.add(error_of(lambda: s.connect(("172.18.0.99", 80))))
    took.append(time.monotonic() - start)
# Not at once is 3 s (arp(7)), each time: a busy machine does not hold up half of them.
t.ok("a missing member is refused at once, 20 times", len(errors) == 1 and errors <= {"ECONNREFUSED", "EHOSTUNREACH"} and sorted(took)[10] < 2,
     (errors, took))
for what, address in (("another network", "172.19.0.2"), ("its gateway", "172.19.0.1"), ("the machine", "10.9.0.1"), ("metadata", "169.254.169.254")):
    with a.open(V4, TCP) as s:
        t.like(f"not allowed: {what}", error_of(lambda: s.connect((address, 80))), "ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES")
with d.open(V4, TCP) as s:
    t.like("not allowed: anything from an internal network", error_of(lambda: s.connect(("10.9.0.2", 7000))), "ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES")

# ---- names
t.is_("a member's name", resolve(a, "b"), ["172.18.0.3"])
t.is_("an alias", resolve(a, "the-b"), ["172.18.0.3"])
t.is_("of another network: not told, asked outside", resolve(a, "the-c.example"), ["192.0.2.53"])
t.is_("the world's names", resolve(a, "example.org"), ["192.0.2.53"])
t.is_("Docker's address too", (resolve(a, "b", "127.0.0.11"), resolve(a, "example.org", "127.0.0.11"), resolve(d, "d", "127.0.0.11")),
      (["172.18.0.3"], ["192.0.2.53"], ["172.20.0.2"]))
with a.open(V4, TCP) as s:
    t.is_("by TCP as well", error_of(lambda: s.connect(("127.0.0.11", 53))), "none")
with a.open(V4, UDP) as s, a.open(V4, TCP) as s2:
    t.is_("where a container may serve DNS itself", [error_of(lambda x=x: x.bind(("0.0.0.0", 53))) for x in (s, s2)], ["none", "none"])
t.ok("an internal network asks nobody", isinstance(resolve(d, "example.org", "172.20.0.1"), int))
t.is_("but knows its own", resolve(d, "d", "172.20.0.1"), ["172.20.0.2"])

# ---- in
ports = {net: int(ask("publish", net, f"web-{net}", "tcp", "-", 0, 80, name).split()[-1]) for net, name in (("lab", "b"), ("two", "c"), ("inner", "d"))}
udp = int(ask("publish", "lab", "dns", "udp", "-", 0, 5353, "b").split()[-1])
t.is_("the client's address reaches the container", first_line(far, "10.9.0.1", ports["lab"]), "::ffff:10.9.0.2")
t.is_("IPv6 too", first_line(far, "fd09::1", ports["lab"], V6), "fd09::2")
t.is_("loopback shows as the gateway", first_line(None, "127.0.0.1", ports["lab"]), "::ffff:172.18.0.1")
t.is_("another network's", first_line(far, "10.9.0.1", ports["two"]), "10.9.0.2")
t.is_("an internal one's, too", first_line(far, "10.9.0.1", ports["inner"]), "10.9.0.2")
t.is_("UDP: the client's address", ask_udp(far, "10.9.0.1", udp), b"10.9.0.2 hi")
keep.append(listen(b, 5355, echo_udp, V6, UDP))
udp6 = int(ask("publish", "lab", "dns6", "udp", "-", 0, 5355, "b").split()[-1])
t.is_("UDP by IPv6: the client's address", ask_udp(far, "fd09::1", udp6, family=V6), b"fd09::2 hi")
t.is_("of a link-local client: answers, to the gateway", ask_link_local(far, udp6), b"fd00:18::1 hi")
near = Namespace(user=False)      # on another link, where both ends are called as on far's
subprocess.run(["ip", "link", "add", "out1", "type", "veth", "peer", "name", "eth0", "netns", str(near.pid)], check=True)
for ns, link in ((far, "out0"), (near, "out1")):
    for words in ("addr add fe80::1/64 dev {0} nodad", "link set {0} up"):
        subprocess.run(["ip", *words.format(link).split()], check=True)
    for words in ("addr add fe80::77/64 dev eth0 nodad", "link set eth0 up"):
        ns.ip(*words.split())
keep.append(listen(b, 5356, lambda sock, data, peer: sock.sendto(b"%d" % peer[1], peer), V6, UDP))
udp_link = int(ask("publish", "lab", "dns-link", "udp", "-", 0, 5356, "b").split()[-1])
with link_local_client(far) as one, link_local_client(near) as other:
    seen = [ask_from(s, udp_link) for s in (one, other, one, other)]
    t.ok("two links, one link-local address and port: two flows that both go on", seen[:2] == seen[2:] and seen[0] != seen[1], seen)
near.end()
inner_udp = int(ask("publish", "inner", "dns-inner", "udp", "-", 0, 5353, "d").split()[-1])
t.is_("UDP of an internal network: answers, to the gateway", ask_udp(far, "10.9.0.1", inner_udp), b"172.20.0.1 hi")
t.is_("members talk past the gateway", hello(a, b, "172.18.0.3"), "172.18.0.2")

# ---- counters
def counted(name):
    numbers = ask("stats", "lab", name).split()[3:]
    return dict(zip(DEVICE_FIELDS + GATE_FIELDS, map(int, numbers), strict=True))


def more(name, before):
    return {field: value - before[field] for field, value in counted(name).items()}


before, before_b = counted("a"), counted("b")
for i in range(100):
    ask_udp(a, "172.18.0.3", 5354, bytes(1400))
got, got_b = more("a", before), more("b", before_b)
frames = 100 * (1400 + HEADERS_BYTES)
# A late packet of an earlier connection may be among them.
t.ok("what one member sends to another is counted at its device", frames <= got["device_bytes_out"] < frames * 1.1, got)
t.ok("with the answers", 100 <= got["device_packets_in"] < 110 and got["device_bytes_in"] < frames / 10, got)
t.ok("at the other one's too", frames <= got_b["device_bytes_in"] < frames * 1.1, got_b)
t.ok("and not by the gateway, which does not see it", got["bytes_out"] < frames / 10, got)
before = counted("b")
with far.open(V4, TCP) as s:
    s.settimeout(LIMIT)
    s.connect(("10.9.0.1", ports["lab"]))
    sender = threading.Thread(target=lambda: (s.sendall(bytes(3 << 20)), s.shutdown(socket.SHUT_WR)))
    sender.start()
    size = 0
    while data := s.recv(1 << 20):
        size += len(data)
    sender.join()
got = more("b", before)
t.is_("through a published port each byte is counted", (got["published_in"], got["published_out"], got["published"]), (3 << 20, size, 1))
t.ok("and none of them at the device", got["device_bytes_in"] + got["device_bytes_out"] < 1 << 20, got)

# ---- frames, as the gateway has them: of many segments each, both ways, at an MTU of 1500
for family, address in (V4, "10.9.0.2"), (V6, "fd09::2"):
    before, size = counted("a"), 0
    with a.open(family, TCP) as s:
        s.connect((address, 7000))
        sender = threading.Thread(target=lambda s=s: (s.sendall(bytes(FRAMES_BYTES)), s.shutdown(socket.SHUT_WR)))
        sender.start()
        while data := s.recv(1 << 20):
            size += len(data)
        sender.join()
    got = more("a", before)
    # Acknowledgements of the other direction are among them.
    mean = {way: got[f"bytes_{way}"] / got[f"packets_{way}"] for way in ("out", "in")}
    print(f"# {address}: {size} bytes; a frame has {mean['out']:.0f} bytes out, {mean['in']:.0f} in")
    t.ok(f"{address}: a frame carries many segments out", size >= FRAMES_BYTES and mean["out"] > 8 * 1500, (size, mean))
    t.ok(f"{address}: and in", mean["in"] > 8 * 1500, mean)

# ---- nothing listens at the gateway's addresses but its names (SECURITY D2); SCAN=1: each port
SCAN = int(os.environ.get("SCAN", "1"))
PORTS = sorted({*range(1, 65536, SCAN), 53, 22, 80, 443, 2375, 2376, 8888, ports["lab"], ports["two"]})


def tcp_that_answer(ns, address, family):
    found, poll, waiting = set(), select.poll(), {}
    for i, port in enumerate(PORTS):
        s = ns.open(family, TCP)
        s.setblocking(False)
        s.connect_ex((address, port))
        waiting[s.fileno()] = s, port
        poll.register(s, select.POLLOUT)
        while waiting and (len(waiting) == 200 or i == len(PORTS) - 1):
            ready = poll.poll(LIMIT * 1000)
            if not ready:
                return "silent"
            for fd, _ in ready:
                poll.unregister(fd)
                s, number = waiting.pop(fd)
                if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    found.add(number)
                s.close()
    return found


def udp_that_answer(ns, address, family):
    """A question for a name to each port; the last one to 53, whose answer ends it."""
    question = b"\1\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"
    with ns.open(family, UDP) as s:
        found = set()
        for i, port in enumerate([p for p in PORTS if p != 53]):
            s.sendto(question, (address, port))
            if i % 200 == 199:
                s.sendto(question, (address, 53))
                found.add(s.recvfrom(999)[1][1])
        s.sendto(question, (address, 53))
        found.add(s.recvfrom(999)[1][1])
    return found


for family, address in (V4, "172.18.0.1"), (V6, "fd00:18::1"):
    begin = time.monotonic()
    t.is_(f"of {len(PORTS)} ports of the gateway 53 alone answers: {address}, TCP", tcp_that_answer(a, address, family), {53})
    t.is_("... UDP", udp_that_answer(a, address, family), {53})
    print(f"# {time.monotonic() - begin:.1f} s")

# ---- congestion control: none paces where nothing is lost on the way
def congestion(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).strip(b"\0").decode()


def say_congestion(_, conn, __):
    with conn:
        conn.sendall(f"{congestion(conn)}\n".encode())
        conn.recv(1)


def gated_end(port):
    """The congestion control of the gateway's ends of connections to this port, asked of its own sockets: ss -i needs
    INET_DIAG, which our kernel has not."""
    found = set()
    for s in sockets_of(netd.gateways()["lab"]):
        with s:
            try:
                if s.getpeername() and s.getsockname()[1] == port:
                    found.add(congestion(s))
            except OSError:     # a listener, a datagram socket, one that has just ended
                pass
    return found


with a.open(V4, TCP) as s:
    usual = congestion(s)	# of a socket that nobody has set anything for
for what, address, port, family, wanted in (("out", "10.9.0.2", 7000, V4, "reno"), ("out, IPv6", "fd09::2", 7000, V6, "reno"),
                                            ("to another member", "172.18.0.3", 80, V4, usual)):
    with a.open(family, TCP) as s:
        s.connect((address, port))
        t.is_(f"the container's end, {what}", congestion(s), wanted)
keep.append(listen(b, 82, say_congestion, V6))
paced = int(ask("publish", "lab", "paced", "tcp", "-", 0, 82, "b").split()[-1])
first_line(far, "10.9.0.1", paced)	# who comes before the gateway has the port is as usual
within(lambda: not gated_end(paced))
for what, ns, family, address, end in (("a client of the machine", None, V4, "127.0.0.1", "reno"), ("one of elsewhere", far, V4, "10.9.0.1", usual),
                                       ("IPv6", far, V6, "fd09::1", usual)):
    with (ns.open(family, TCP) if ns else socket.socket(family, TCP)) as s:
        s.settimeout(LIMIT)
        s.connect((address, paced))
        t.is_(f"{what}: the container's end", s.makefile().readline().strip(), "reno")
        t.is_(f"{what}: the gateway's end", gated_end(paced), {end})
    within(lambda: not gated_end(paced))

# ---- one gateway is killed in the middle of the other network's transfer
with c.open(V4, TCP) as s:
    s.connect(("10.9.0.2", 7002))
    got = len(s.recv(1 << 20))
    old = netd.gateways()
    os.kill(old["lab"], signal.SIGKILL)
    start = time.monotonic()
    seen = first_line(far, "10.9.0.1", ports["lab"])
    took = time.monotonic() - start
    while data := s.recv(1 << 20):
        got += len(data)
t.is_("killed: its port serves", seen, "::ffff:10.9.0.2")
print(f"# published port back after {took * 1000:.1f} ms")
t.is_("the other network's transfer is whole", got, BULK)
t.is_("out again, with the same addresses", first_line(a, "10.9.0.2", 7000), "::ffff:10.9.0.1")
t.is_("names again", (resolve(a, "b"), resolve(a, "example.org")), (["172.18.0.3"], ["192.0.2.53"]))
t.is_("UDP again", (ask_udp(a, "10.9.0.2", 7001), ask_udp(far, "10.9.0.1", udp)), (b"10.9.0.1 hi", b"10.9.0.2 hi"))
took = []
for i in range(10):
    pid = within(lambda: netd.gateways().get("lab"))
    start = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    within(lambda: netd.gateways().get("lab") not in (None, pid))
    seen = first_line(far, "10.9.0.1", ports["lab"])
    took.append(time.monotonic() - start)
t.is_("killed again and again: it comes back", seen, "::ffff:10.9.0.2")
print(f"# after {', '.join(f'{x:.2f}' for x in took)} s")
t.ok(f"... within {BACK_S} s, whatever its pause has grown to", sorted(took[-5:])[1] < BACK_S, took)
t.ok("the others were left alone", all(netd.gateways()[n] == old[n] for n in ("two", "inner")), netd.gateways())

# ---- name servers change
keep.append(listen(far, 53, name_server, V4, UDP, "10.9.0.54"))
resolvers("10.9.0.54")
t.ok("new name servers are asked", within(lambda: resolve(a, f"n{time.monotonic_ns()}.example") == ["192.0.2.54"]))

# ---- a member leaves and comes back; netd is killed
ask("detach", "lab", "b")
with a.open(V4, TCP) as s:
    t.like("a member that left is refused", error_of(lambda: s.connect(("172.18.0.3", 80))), "ECONNREFUSED|EHOSTUNREACH")
t.ok("and has no name", resolve(a, "b") != ["172.18.0.3"], resolve(a, "b"))
ask("attach", "lab", "b", b.path, "172.18.0.3", "fd00:18::3", "name=b")
ask("backend", "lab", "web-lab", "b", 1)
t.is_("back again", (resolve(a, "b"), first_line(far, "10.9.0.1", ports["lab"])), (["172.18.0.3"], "::ffff:10.9.0.2"))
netd.end(signal.SIGKILL)
t.ok("netd is killed: gateways and devices go", within(lambda: not netd.gateways() and all(n.devices() == ["lo"] for n in (a, b, c, d))))
netd = Netd()
ask = netd.ask
ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1")
for ns, name, last in ((a, "a", 2), (b, "b", 3)):
    ask("attach", "lab", name, ns.path, f"172.18.0.{last}", f"fd00:18::{last}", f"name={name}")
t.is_("told anew, the port is the same", ask("publish", "lab", "web-lab", "tcp", "-", ports["lab"], 80, "b"), f"done web-lab {ports['lab']}")
t.is_("in and out", (first_line(far, "10.9.0.1", ports["lab"]), first_line(a, "10.9.0.2", 7000)), ("::ffff:10.9.0.2", "::ffff:10.9.0.1"))
t.is_("netd ends", netd.end(), 0)
t.ok("nothing is left", within(lambda: not netd.gateways() and a.devices() == b.devices() == ["lo"]))
if t.failed:
    print("".join(f"# log: {line}\n" for line in open("/run/log", errors="replace").read().splitlines()[-40:]), end="")
t.end()
