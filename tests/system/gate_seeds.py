"""gate_seeds.py - the story of gate_seeds.sh: what real programs send, captured, and cut into seeds for the fuzzers.

A seed of fuzz_gate is one program's packets from the container, each as `0 SIZE16 BYTES`, with what of its payload tells
nothing left out; one of fuzz_dns_* is one message.
"""
import os
import socket
import struct
import subprocess
import sys

from netlib import LIMIT, UDP, V4, V6, Namespace, Netd, Tap, outside, resolvers, within

t = Tap("seeds")
HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = os.environ.get("SEEDS", "")
PACKETS_MAX, PACKET_BYTES_MAX = 24, 1600     # of one seed
A4, A6 = socket.inet_aton("172.18.0.2"), socket.inet_pton(V6, "fd18::2")


def run(ns, *words):
    with ns:
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT * 2)


class Capture:
    """What passes a container's device: whole IP packets."""

    def __init__(self, ns):
        with ns:
            self.s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)     # SO_RCVBUFFORCE
        self.s.bind(("eth0", 3))                               # ETH_P_ALL
        self.s.setblocking(False)

    def packets(self):
        found = []
        try:
            while True:
                packet, (_, protocol, *_) = self.s.recvfrom(1 << 17)
                if protocol in (0x800, 0x86dd):
                    found.append(packet)
        except BlockingIOError:
            self.s.close()
            return found


def is_from(packet):
    return packet[12:16] == A4 if packet[0] >> 4 == 4 else packet[8:24] == A6


def write(folder, name, data):
    if SEEDS:
        os.makedirs(f"{SEEDS}/{folder}", exist_ok=True)
        with open(f"{SEEDS}/{folder}/{name}", "wb") as file:
            file.write(data)


def udp_payload(packet):
    head = (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40
    protocol = packet[9] if packet[0] >> 4 == 4 else packet[6]
    return (struct.unpack_from("!HH", packet, head), packet[head + 8:]) if protocol == 17 and len(packet) >= head + 8 else ((0, 0), b"")


far = outside()
for last in (53, 54, 55):
    far.ip("addr", "add", f"192.0.2.{last}/32", "dev", "lo")
for address in ("fd92::53/128", "192.0.2.7/32", "fd92::7/128"):
    far.ip("addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
for words in ("ip route add default via 10.9.0.2", "ip -6 route add default via fd09::2"):
    subprocess.run(words.split(), check=True)
resolvers("192.0.2.53")
a, b = Namespace(), Namespace()
netd = Netd()
ask = netd.ask
ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd18::/64", "fd18::1")
for name, ns, last in (("a", a, 2), ("b", b, 3)):
    t.is_(f"{name} is attached", ask("attach", "lab", name, ns.path, f"172.18.0.{last}", f"fd18::{last}", f"name={name}", "name=web"), "done lab")
open("/run/page", "wb").write(os.urandom(300000))
servers = []
with far:
    servers.append(subprocess.Popen([sys.executable, f"{HERE}/gate_world.py", "/run/world.log"], stdout=subprocess.PIPE, text=True))
    servers.append(subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "::", "8000", "--directory", "/run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    servers.append(subprocess.Popen(["iperf3", "-s"], stdout=subprocess.DEVNULL))
servers[0].stdout.readline()


def listens(port):
    with far, open("/proc/net/tcp6") as file:
        return f":{port:04X} " in file.read()


t.ok("servers run", within(lambda: listens(8000) and listens(5201)))


def extensions():
    """Hop-by-hop, destination options and a routing header by the kernel, fragments of them too."""
    with a.open(V6, UDP) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, b"\0\0\1\4\0\0\0\0")
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, b"\0\1\1\4\0\0\0\0\1\6\0\0\0\0\0\0")
        for size in (10, 4000):
            s.sendto(b"e" * size, ("fd92::7", 9))
            assert len(s.recv(9000)) == size
    return "yes"


def datagrams(family, address):
    with a.open(family, UDP) as s:
        for size in (0, 1, 1472, 3000, 9000):
            s.sendto(b"d" * size, (address, 9))
            assert len(s.recv(20000)) == size
    return "yes"


def by(*words):
    return lambda: "yes" if run(a, *words).returncode == 0 else run(a, *words).stdout


def echo(*words):
    def ping():
        said = run(a, sys.executable, f"{HERE}/gate_ping.py", *words).stdout
        return "yes" if said.startswith("reply") else said
    return ping


def questions():
    out = ""
    for words in ("a.example", "a.example AAAA", "www.example", "nx.example", "big.example", "mid.example +bufsize=4096", "x.example MX +dnssec", "x.example TXT +nsid +cookie",
                  "_80._tcp.web SRV", "-x 172.18.0.3", "-x fd18::3", "web", "web AAAA", "gateway", "a.example HTTPS +subnet=192.0.2.0/24", "x.example ANY +notcp",
                  "a.example +noedns", "A.eXample +cdflag +noad", "xn--bcher-kva.example +padding=128", "plain.example", "big.example +tcp", "a.b.c.d.e.f.example CAA"):
        out += run(a, "dig", "@172.18.0.1", "+tries=1", "+time=8", *words.split()).stdout
    return "yes" if out.count("status: NOERROR") > 15 else out


for name, call in (
        ("curl", by("curl", "-sS", "-o", "/dev/null", "http://10.9.0.2:8000/page")),
        ("curl_six", by("curl", "-sS", "-o", "/dev/null", "http://[fd09::2]:8000/page")),
        # This server takes no bodies: its answer, or a reset in the middle of ours.
        ("curl_put", lambda: "yes" if run(a, "curl", "-sS", "-o", "/dev/null", "-T", "/run/page", "http://10.9.0.2:8000/x").returncode in (0, 55, 56) else "no"),
        ("curl_refused", lambda: "yes" if run(a, "curl", "-sS", "http://10.9.0.2:8001/").returncode == 7 else "no"),
        ("iperf3", by("iperf3", "-c", "10.9.0.2", "-n", "2M", "-P", "2")),
        ("iperf3_in", by("iperf3", "-c", "fd09::2", "-n", "2M", "-R")),
        ("iperf3_udp", by("iperf3", "-c", "10.9.0.2", "-u", "-n", "64K", "-l", "1400")),
        ("dig", questions),
        ("ping", echo("10.9.0.2", "100")), ("ping_six", echo("fd09::2")), ("ping_large", echo("10.9.0.2", "6000")), ("ping_six_large", echo("fd09::2", "6000")),
        ("datagrams", lambda: datagrams(V4, "192.0.2.7")),
        ("datagrams_six", lambda: datagrams(V6, "fd92::7")),
        ("extensions", extensions)):
    capture = Capture(a)
    t.is_(name, call(), "yes")
    found = capture.packets()
    mine = [p for p in found if is_from(p)]
    t.ok(f"{name}: its packets are in the capture", len(mine) > 0 and len(found) >= len(mine), (len(mine), len(found)))
    seed = b""
    for packet in mine[:PACKETS_MAX // 2] + mine[PACKETS_MAX // 2:][-PACKETS_MAX // 2:]:
        if len(packet) <= PACKET_BYTES_MAX:
            seed += b"\0" + struct.pack("!H", len(packet)) + packet
    write("gate", name, seed)
    if name == "dig":
        asked, answered = set(), set()
        for packet in found:
            ports, data = udp_payload(packet)
            if ports[1] == 53 and len(data) <= 512:
                asked.add(data)
            if ports[0] == 53 and len(data) <= 1500:
                answered.add(data)
        t.ok("questions and answers are among them", len(asked) > 15 and len(answered) > 15, (len(asked), len(answered)))
        for folder, messages in ("dns_query", asked), ("dns_reply", answered):
            for number, data in enumerate(sorted(messages, key=lambda d: d[12:])):
                write(folder, f"dig_{number:02}", data)
for server in servers:
    server.kill()
t.is_("netd ends", netd.end(), 0)
if t.failed:
    print("".join(f"# log: {line}\n" for line in open("/run/log", errors="replace").read().splitlines()[-40:]), end="")
t.end()
