"""gate_whole.py - the story of gate_whole.sh. Prints TAP.

Everything that must not be reached listens, so that a refusal is ours: the machine itself, other networks' members, a
metadata service outside.
"""
import errno
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from netlib import LIMIT, Namespace, Netd, Tap, within

HERE = os.path.dirname(os.path.abspath(__file__))
LOG = "/run/world.log"
t = Tap("whole")
V4, V6, TCP, UDP = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
UDP_9 = socket.IPPROTO_UDP << 16 | 9
REFUSED = {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES", "EINVAL", "EADDRNOTAVAIL", "EPERM"}


def sh(words):
    subprocess.run(["sh", "-ec", words], check=True)


def world():
    ns = Namespace(user=False)
    sh(f"""ip link add a0 type veth peer name w0 netns {ns.pid}
        ip addr add 192.0.2.1/24 dev a0; ip addr add fd92::1/64 dev a0 nodad; ip link set a0 up
        ip addr add 192.0.2.2/24 dev a0; ip addr add 198.51.100.1/32 dev a0
        ip route add default via 192.0.2.254; ip route add default via fd92::254; ip route add 169.254.169.254 via 192.0.2.254""")
    for a in ("192.0.2.53/24", "192.0.2.54/24", "192.0.2.55/24", "192.0.2.7/24", "192.0.2.254/24", "169.254.169.254/32",
              "240.0.0.9/32"):
        ns.ip("addr", "add", a, "dev", "w0")
    for a in ("fd92::53/64", "fd92::7/64", "fd92::254/64", "fd00:ec2::254/128", "64:ff9b::7/128"):
        ns.ip("addr", "add", a, "dev", "w0", "nodad")
    ns.ip("link", "set", "w0", "up")
    for net in ("172.18.0.0/16", "172.19.0.0/16"):      # no private address ever shows outside
        ns.ip("route", "add", "unreachable", net)
    with ns:
        server = subprocess.Popen([sys.executable, f"{HERE}/gate_world.py", LOG, "169.254.169.254", "240.0.0.9", "fd00:ec2::254",
                                   "64:ff9b::7"], stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    return ns


def echo_here(ns=None):
    """An echo on port 9, UDP and TCP, of the machine or a container."""
    code = f"import sys; sys.argv=['', '/dev/null']; sys.path.insert(0, {HERE!r})\n" \
           "import selectors, socket\nsel = selectors.DefaultSelector()\n" \
           "u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('::', 9))\n" \
           "t = socket.create_server(('::', 9), family=socket.AF_INET6, dualstack_ipv6=True)\nprint('up', flush=True)\n" \
           "sel.register(u, 1, lambda: u.sendto(*u.recvfrom(70000))); sel.register(t, 1, lambda: t.accept()[0].close())\n" \
           "while True:\n for k, _ in sel.select(): k.data()\n"

    def start():
        p = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        p.stdout.readline()
    if ns:
        with ns:
            start()
    else:
        start()


def reach(ns, address, kind, port=9, wait=LIMIT):
    """"yes", an errno's name, or "silent"."""
    s = ns.open(V6 if ":" in address else V4, kind)
    s.settimeout(wait)
    try:
        s.connect((address, port))
        if kind == UDP:
            s.send(b"hello")
            return "yes" if s.recv(100) == b"hello" else "other"
        return "yes"
    except TimeoutError:
        return "silent"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
    finally:
        s.close()


def inside(ns, *words):
    with ns:
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def dig(ns, *words, at="172.18.0.1"):
    out = inside(ns, "dig", f"@{at}", f"+tries={LIMIT // 5}", "+time=5", "+noall", "+comments", "+answer", *words)
    status = re.search(r"status: (\w+)", out)
    return (status.group(1) if status else out,
            sorted(" ".join(l.split()[3:]) for l in out.splitlines() if l and not l.startswith(";")))


def ping(ns, address, wait=LIMIT):
    return inside(ns, sys.executable, f"{HERE}/gate_ping.py", address, "56", "64", str(wait)).strip()


class Stream:
    """Bytes without an end between two connected sockets, and how many have arrived."""

    def __init__(self, source, sink):
        self.count, self.ends = 0, False
        source.settimeout(None)
        sink.settimeout(None)
        threading.Thread(target=self.send, args=(source,), daemon=True).start()
        threading.Thread(target=self.receive, args=(sink,), daemon=True).start()

    @staticmethod
    def send(source):
        try:
            while True:
                source.send(bytes(65536))
        except OSError:
            source.close()

    def receive(self, sink):
        while not self.ends:
            self.count += len(sink.recv(1 << 18))
        # A reset: nothing of it is still on its way afterwards.
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sink.close()


class Limited:
    """A container with a rate, a published port, and a server outside."""

    def __init__(self, ns, port):
        self.ns, self.port = ns, port
        self.inner, self.outer = ns.listen(90), w.listen(90)

    def connection(self, by_port):
        """Its two ends: the container's, and the one outside."""
        client, to, server = (w, ("192.0.2.1", self.port), self.inner) if by_port else (self.ns, ("192.0.2.7", 90), self.outer)
        c = client.open(V4, TCP)
        c.connect(to)
        other = server.accept()[0]
        return (other, c) if by_port else (c, other)

    @staticmethod
    def ask(client, server):
        client.sendall(bytes(1000))
        server.sendall(server.recv(1000, socket.MSG_WAITALL))
        client.recv(1000, socket.MSG_WAITALL)

    def answers_alone(self):
        """In 1.7 s."""
        answers, ends, end = 0, self.connection(True), time.monotonic() + 1.7
        while time.monotonic() < end:
            self.ask(*reversed(ends))
            answers += 1
        for s in ends:
            s.close()
        return answers

    def shares(self, ports, flows, out, talk=None):
        """While 4 MB arrive: the part of the container's own connections; and how many questions of 1000 bytes are
        answered to a client of its port (talk: True) or to itself (False)."""
        ends = [self.connection(by_port) for by_port in [True] * ports + [False] * flows]
        streams = [Stream(*(pair if out else reversed(pair))) for pair in ends]
        inside, outside = self.connection(bool(talk))
        client, server = (outside, inside) if talk else (inside, outside)

        def counts():
            return sum(s.count for s in streams[:ports]), sum(s.count for s in streams[ports:])
        good = within(lambda: sum(counts()) > 1 << 20)
        answers, before = 0, counts()
        while good and sum(now := counts()) - sum(before) < 4 << 20:
            if talk is None:
                time.sleep(0.01)
                continue
            try:
                self.ask(client, server)
            except TimeoutError:
                break
            answers += 1
        for s in streams:
            s.ends = True
        inside.close()
        outside.close()
        return (now[1] - before[1]) / (sum(now) - sum(before)) if good else -1, answers


with open("/run/net/resolv.conf", "w") as f:
    f.write("nameserver 192.0.2.53\n")
open(LOG, "w").close()
w = world()
echo_here()
a, b, c, d, x = (Namespace() for _ in range(5))
netd = Netd()
ask = netd.ask
for words in (("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd18::/64", "fd18::1"),
              ("create", "two", "172.19.0.0/16", "172.19.0.1", "fd19::/64", "fd19::1"),
              ("create", "inner", "172.20.0.0/16", "172.20.0.1", "fd20::/64", "fd20::1", "internal"),
              ("attach", "lab", "a", a.path, "172.18.0.2", "fd18::2", "name=a", "name=web", f"port={UDP_9}"),
              ("attach", "lab", "b", b.path, "172.18.0.3", "fd18::3", "name=b", "name=web"),
              ("attach", "two", "c", c.path, "172.19.0.2", "fd19::2", "name=c"),
              ("attach", "inner", "x", x.path, "172.20.0.2", "fd20::2", "name=x"),
              ("attach", "lab", "d", d.path, "172.18.0.4", "fd18::4", "name=d", "policy=allow 192.0.2.7 9; allow allowed.example")):
    t.like(" ".join(words[:3]), ask(*words), "^done")
for ns in (a, b, c, x):
    echo_here(ns)
t.ok("a gateway answers", within(lambda: dig(a, "a")[0] == "NOERROR"), netd.log())

# ---- names
t.is_("members", (dig(a, "b"), dig(b, "a.lab", "AAAA")), (("NOERROR", ["A 172.18.0.3"]), ("NOERROR", ["AAAA fd18::2"])))
t.is_("replicas, reverse", (dig(a, "web")[1], dig(a, "-x", "172.18.0.3")[1]), (["A 172.18.0.2", "A 172.18.0.3"], ["PTR b.lab."]))
t.is_("over TCP and IPv6", (dig(a, "b", "+tcp")[1], dig(a, "b", at="fd18::1")[1]), (["A 172.18.0.3"], ["A 172.18.0.3"]))
t.is_("another network's names are not here", dig(a, "c")[0], "NXDOMAIN")
t.is_("outside", (dig(a, "a.example"), dig(a, "big.example", "+tcp")[0], dig(a, "nx.example")[0]),
      (("NOERROR", ["A 203.0.113.7"]), "NOERROR", "NXDOMAIN"))
asked = len(open(LOG).readlines())
t.is_("an internal network forwards nothing", (dig(x, "y.example", at="172.20.0.1")[0], dig(x, "y.example", "+tcp", at="fd20::1")[0],
                                               dig(x, "x", at="172.20.0.1")[1], len(open(LOG).readlines())),
      ("NXDOMAIN", "NXDOMAIN", ["A 172.20.0.2"], asked))

# ---- what is reached from where: the matrix
#            from a (lab)  d (allow list)  x (internal)
MATRIX = {
    "the world": ("192.0.2.7 fd92::7", "yes", "192.0.2.7", ""),
    "more of the world": ("192.0.2.53 fd92::53", "yes", "", ""),
    "the gateway": ("172.18.0.1 fd18::1", "", "", ""),
    "another network's gateway": ("172.19.0.1 fd19::1 172.20.0.1 fd20::1", "", "", ""),
    "another network's member": ("172.19.0.2 fd19::2", "", "", ""),
    "an internal network's member": ("172.20.0.99 fd20::99", "", "", ""),
    "nobody of its own subnet": ("172.18.7.7 fd18::77", "", "", ""),
    "the machine": ("192.0.2.1 192.0.2.2 fd92::1", "", "", ""),
    "metadata": ("169.254.169.254 fd00:ec2::254", "", "", ""),
    "translated": ("64:ff9b::7", "", "", ""),
    "reserved": ("240.0.0.9 0.1.2.3", "", "", ""),
    "many": ("224.0.0.251 ff02::fb 255.255.255.255", "", "", ""),
    "mapped": ("::ffff:192.0.2.1 ::ffff:169.254.169.254", "", "", ""),
}
for what, (addresses, from_a, from_d, from_x) in MATRIX.items():
    wrong = []
    for address in addresses.split():
        for who, ns, may in (("lab", a, from_a == "yes"), ("allow list", d, address in from_d.split()), ("internal", x, bool(from_x))):
            for kind in (TCP, UDP):
                # What is refused is said for TCP; of a datagram that must not arrive silence is all that there is.
                got = reach(ns, address, kind, wait=LIMIT if may or kind == TCP else 1)
                if (got == "yes") != may or (not may and kind == TCP and got not in REFUSED):
                    wrong.append(f"from {who}: {address} {kind.name}: {got}")
            if what not in ("the gateway", "many", "mapped", "translated"):
                # the allow list has a port, which an echo has not
                got = ping(ns, address, LIMIT if may and who == "lab" else 3) if may or who == "lab" else "error"
                if got.startswith("reply") != (may and who != "allow list"):
                    wrong.append(f"from {who}: {address} echo: {got}")
    t.ok(f"reached as it should be: {what}", not wrong, "\n".join(wrong))
sh("sysctl -qw net.ipv4.ip_nonlocal_bind=1")
t.is_("where any address can be bound", (reach(a, "192.0.2.55", TCP, 53), reach(a, "198.51.100.1", TCP) in REFUSED), ("yes", True))
sh("sysctl -qw net.ipv4.ip_nonlocal_bind=0")
t.is_("members of one network", (reach(a, "172.18.0.3", TCP), reach(a, "fd18::3", UDP), ping(a, "172.18.0.3")), ("yes", "yes", "reply 56"))
t.is_("the gateway answers an echo", (ping(a, "172.18.0.1"), ping(x, "fd20::1")), ("reply 56", "reply 56"))
t.is_("a name opens the list", (reach(d, "192.0.2.53", TCP), dig(d, "allowed.example")[1], reach(d, "192.0.2.53", TCP)),
      ("ECONNREFUSED", ["A 192.0.2.53"], "yes"))

# ---- published UDP, counters
port = int(ask("publish", "lab", "echo", "udp", "192.0.2.1", 0, 9, "a").split()[-1])
with w:
    s = socket.socket(V4, UDP)
s.settimeout(LIMIT)
s.bind(("192.0.2.7", 0))
s.sendto(b"ping", ("192.0.2.1", port))
t.is_("a published UDP port", s.recvfrom(100), (b"ping", ("192.0.2.1", port)))


def published(who):
    """Clients of its published ports so far (wire/stats.h: the ninth number behind the device's six)."""
    return int(ask("stats", "lab", who).split()[3 + 6 + 8])


def again(data):
    s.sendto(data, ("192.0.2.1", port))
    return s.recvfrom(100)[0]


ask("backend", "lab", "echo", "b", 1)
before = published("a"), published("b")
t.is_("a client goes on where it was", (again(b"more"), published("a"), published("b")), (b"more", *before))
ask("backend", "lab", "echo", "a", 2)
t.is_("when that one drains, its next datagram goes to another one", (again(b"gone"), published("b")), (b"gone", before[1] + 1))
ask("backend", "lab", "echo", "b", 2)
t.is_("with nobody else it stays", (again(b"stay"), published("a"), published("b")), (b"stay", before[0], before[1] + 1))
ask("backend", "lab", "echo", "a", 1)
ask("backend", "lab", "echo", "b", 0)
t.is_("and goes back", (again(b"back"), published("a")), (b"back", before[0] + 1))
with socket.socket(V4, UDP) as inside_it:
    sh("ip addr add 172.18.0.99/32 dev lo")
    inside_it.settimeout(LIMIT)
    inside_it.bind(("172.18.0.99", 0))
    inside_it.sendto(b"ping", ("192.0.2.1", port))
    t.is_("for a client whose address is one of the network's", inside_it.recvfrom(100)[0], b"ping")
    sh("ip addr del 172.18.0.99/32 dev lo")
t.is_("SRV of it", dig(a, "_9._udp.a", "SRV")[1], ["SRV 0 0 9 a."])
t.like("counters", ask("stats", "lab", "a"), r"\d")

# ---- a rate, of which published ports and the container's own connections have their halves
r = Namespace()
t.like("a container with a rate", ask("attach", "lab", "r", r.path, "172.18.0.5", "fd18::5", "name=r", "policy=rate 20m"), "^done")
limited = Limited(r, int(ask("publish", "lab", "limited", "tcp", "192.0.2.1", 0, 90, "r").split()[-1]))
for words, ports, flows, out in (("one each", 1, 1, True), ("clients of its port are many", 6, 1, True), ("its own are many", 1, 6, True),
                                 ("one each, inwards", 1, 1, False), ("clients are many", 6, 1, False), ("its own are", 1, 6, False)):
    share = limited.shares(ports, flows, out)[0]
    print(f"# {ports} by the port, {flows} of its own, {'out' if out else 'in'}: its own have {share:.2f}")
    t.ok(f"both have their part of the rate: {words}", 0.35 < share < 0.65, share)
# An emulated CPU answers less often. Who waited for the others' debt answered a hundred times, or never.
enough = min(limited.answers_alone() // 5, 300)
for words, ports, flows, out, by_port in (("its port answers beside its own", 0, 4, True, True), ("it is answered beside its port's", 4, 0, False, False)):
    count = limited.shares(ports, flows, out, by_port)[1]
    print(f"# {words}: {count} answers in 1.7 s, {enough} are enough")
    t.ok(words, count > enough, count)

# ---- many short ones have the rate that a long one has
def upload(size):
    with r.open(V4, TCP) as c:
        c.connect(("192.0.2.7", 90))
        other = limited.outer.accept()[0]
        threading.Thread(target=lambda: read_to_end(other), daemon=True).start()
        c.sendall(bytes(size))
        c.shutdown(socket.SHUT_WR)
        return c.recv(1)


def read_to_end(s):
    with s:
        while s.recv(1 << 18):
            pass


def download(size):
    with r.open(V4, TCP) as c:
        c.connect(("192.0.2.7", 90))
        with limited.outer.accept()[0] as other:
            threading.Thread(target=other.sendall, args=(bytes(size),)).start()
            while size:
                size -= len(c.recv(1 << 18))


for what, one in (("out", upload), ("in", download)):
    begin, size, count = time.monotonic(), 40000, 50
    for _ in range(count):
        one(size)
    took = time.monotonic() - begin
    print(f"# {count} of {size} bytes {what}: {took:.2f} s")
    t.ok(f"short connections, one after the other, have the rate, {what}", took > count * size / 20e6 * 8 / 2, took)
    begin = time.monotonic()
    one(300000)
    t.ok(f"... and leave no debt, {what}", time.monotonic() - begin < took, time.monotonic() - begin)

# ---- one gateway dies; the other network's goes on, its own is back with all it was told
before = netd.gateways()
os.kill(before["lab"], signal.SIGKILL)
t.is_("another network notices nothing", reach(c, "192.0.2.7", UDP), "yes")
begin = time.monotonic()
t.ok("another one is started", within(lambda: netd.gateways().get("lab") not in (None, before["lab"])))
t.ok("names are back", within(lambda: dig(a, "b", "+time=1")[0] == "NOERROR"))
print(f"# after {time.monotonic() - begin:.2f} s")
s.settimeout(0.3)


def answered():
    """Sent again until then: names may be back before ports."""
    s.sendto(b"pong", ("192.0.2.1", port))
    try:
        return s.recvfrom(100)[0] == b"pong"
    except OSError:
        return False


t.ok("the published port too", within(answered))
t.is_("and the allow list", (reach(d, "192.0.2.7", UDP), reach(d, "192.0.2.53", TCP)), ("yes", "ECONNREFUSED"))
t.is_("it ends", netd.end(), 0)
t.ok("nothing was killed by its jail", "SIGSYS" not in netd.log() and "signal 31" not in netd.log(), netd.log())
t.end()
