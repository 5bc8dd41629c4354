"""gate_hostile.py - the story of gate_hostile.sh: netd with the real gated, and everybody else is an attacker.

    a, hogs --- network lab --- gated --- this machine, 10.9.0.1 --- far, 10.9.0.2
    b (victim) -'

Forged packets that can be known to be right (an exact sequence number) come as controls: they do end a connection when they
come from where they may.
"""
import fcntl
import os
import random
import select
import signal
import socket
import statistics
import struct
import threading
import time

from gate_taken import Devices, Inside
from netlib import LIMIT, TCP, UDP, V4, V6, Namespace, Netd, Tap, error_of, outside, resolvers, within
from netspoof import a4, checksum, ipv4, udp6

t = Tap("hostile")
FORGED, CLIENTS, ROUNDS, WORK_MS = (int(os.environ.get(n, d)) for n, d in (
    ("FORGED", "2000"), ("CLIENTS", "20000"), ("ROUNDS", "100"), ("WORK_MS", "20")))
SEED = int(os.environ.get("SEED", time.time_ns() & 0xffffffff))
dice = random.Random(SEED)
print(f"# SEED={SEED}")
FAR, MACHINE, A, B, GATEWAY = "10.9.0.2", "10.9.0.1", "172.18.0.2", "172.18.0.3", "172.18.0.1"
RST, SYN, ACK = 4, 2, 16


def serve(sock, each):
    def run():
        while True:
            try:
                got = sock.accept() if sock.type == TCP else sock.recvfrom(65536)
            except OSError:
                return
            if sock.type == TCP:
                threading.Thread(target=each, args=(got[0],), daemon=True).start()
            else:
                each(sock, *got)
    sock.settimeout(None)
    threading.Thread(target=run, daemon=True).start()


def echo(conn):
    with conn:
        try:
            while data := conn.recv(65536):
                conn.sendall(data)
        except OSError:
            pass


def listen(ns, port, each=echo, kind=TCP, address=""):
    s = ns.listen(port) if kind == TCP else ns.open(V4, UDP)
    if kind == UDP:
        s.bind((address, port))
    serve(s, each)
    return s


def lives(s):
    """Another exchange on the connection; what went wrong."""
    try:
        s.sendall(b"alive?")
        got = s.recv(6, socket.MSG_WAITALL)
        return "yes" if got == b"alive?" else repr(got)
    except OSError as e:
        return repr(e)


def segment(source, sport, to, port, seq, ack, flags):
    tcp = struct.pack("!HHIIBBHHH", sport, port, seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0)
    pseudo = a4(source) + a4(to) + struct.pack("!BBH", 0, 6, len(tcp))
    return tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]


def unreachable(code, info, inner):
    """ICMP about a packet that it has never seen."""
    packet = struct.pack("!BBHI", 3, code, 0, info) + inner[:28]
    return packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]


class Forger:
    """Whole IPv4 packets out of a namespace, whoever they say they are from."""

    def __init__(self, ns, via=None):
        self.via, self.raw = via, ns.open(V4, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw.settimeout(None)

    def send(self, source, to, protocol, payload):
        try:
            self.raw.sendto(ipv4(source, to, protocol, payload), (to, 0))
        except PermissionError:
            pass


class Ear:
    """The last segment of a connection that passed a device: what comes next is known from it."""

    def __init__(self, ns, device):
        self.s = ns.open(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.s.bind((device, 3))
        self.s.settimeout(0)

    def next_of(self, source, sport, to, port=None):
        """(seq, ack) of the next segment from source to `to`, on whatever port if none is named."""
        seq = ack = None
        while True:
            try:
                data, peer = self.s.recvfrom(70000)
            except BlockingIOError:
                return seq, ack
            if peer[1] == 0x0800 and data[9] == 6 and data[12:16] == a4(source) and data[16:20] == a4(to):
                tcp = data[(data[0] & 15) * 4:struct.unpack("!H", data[2:4])[0]]
                if struct.unpack("!H", tcp[:2])[0] == sport and port in (None, struct.unpack("!H", tcp[2:4])[0]):
                    first, ack = struct.unpack("!II", tcp[4:12])
                    seq = first + len(tcp) - (tcp[12] >> 4) * 4 + bool(tcp[13] & 3)


def known(ear, conn, source, sport, to):
    """(seq, ack) of the next segment from source to `to`, after an exchange."""
    ear.next_of(source, sport, to)
    assert lives(conn) == "yes"
    return ear.next_of(source, sport, to)


def forge(forger, source, sport, to, port):
    """Resets, openings and errors with numbers by chance."""
    for _ in range(FORGED):
        seq, ack = dice.getrandbits(32), dice.getrandbits(32)
        forger.send(source, to, 6, segment(source, sport, to, port, seq, ack, dice.choice((RST, RST | ACK, SYN, SYN | ACK, ACK))))
        inner = ipv4(to, source, 6, segment(to, port, source, sport, seq, ack, ACK))
        forger.send(source, to, 1, unreachable(dice.choice((0, 1, 2, 3, 4, 13)), 68, inner))


# ---- the world
far = outside()
for words in ("net.ipv4.conf.all.rp_filter 0", "net.ipv4.conf.out0.rp_filter 0"):
    name, value = words.split()
    with open("/proc/sys/" + name.replace(".", "/"), "w") as file:
        file.write(value)
resolvers(FAR)
a, b = Namespace(), Namespace()
hogs = [a] + [Namespace() for _ in range(3)]
netd = Netd()
ask = netd.ask
ask("create", "lab", "172.18.0.0/16", GATEWAY, "-", "-")
for name, ns, address in [("b", b, B)] + [(f"hog{i}", ns, A if i == 0 else f"172.18.0.{i + 10}") for i, ns in enumerate(hogs)]:
    t.is_(f"{name} is attached", ask("attach", "lab", name, ns.path, address, "-", f"name={name}"), "done lab")


def counted(who):
    """What the gateway counts of a container (wire/stats.h), behind the six numbers of its device."""
    names = ("bytes_out bytes_in packets_out packets_in flows_tcp flows_udp flows_icmp flows_open published published_out published_in refused "
             "limited dropped dns_questions dns_forwarded").split()
    return dict(zip(names, map(int, ask("stats", "lab", who).split()[3 + 6:])))


def name_server(s, data, peer):
    question = data[12:data.index(b"\0", 12) + 5]
    s.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7", peer)


keep = [listen(far, 7000), listen(far, 7001, lambda s, d, p: s.sendto(d, p), UDP), listen(far, 53, name_server, UDP, FAR), listen(b, 80),
        listen(b, 5353, lambda s, d, p: s.sendto(d, p), UDP)]
port = int(ask("publish", "lab", "web", "tcp", "-", 0, 80, "b").split()[-1])
udp_port = int(ask("publish", "lab", "dns", "udp", "-", 0, 5353, "b").split()[-1])
outer, neighbour, own = Forger(far), Forger(a), Forger(b)
at_far, at_b, at_b_lo = Ear(far, "eth0"), Ear(b, "eth0"), Ear(b, "lo")


def open_out():
    s = b.open(V4, TCP)
    s.connect((FAR, 7000))
    assert lives(s) == "yes"
    return s, s.getsockname()[1]


# ---- F7: a container's connection to the world
s, inner_port = open_out()
with far:
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file][1:]
outer_port = next(int(r[2].split(":")[1], 16) for r in rows if r[3] == "01" and r[1].endswith(f":{7000:04X}"))
forge(outer, FAR, 7000, MACHINE, outer_port)
t.is_(f"out: {FORGED} forged resets, openings and errors from outside, numbers by chance", lives(s), "yes")
seq, ack = known(at_b, s, FAR, 7000, B)
forge(neighbour, FAR, 7000, B, inner_port)
forge(neighbour, B, inner_port, FAR, 7000)
for source, sport, to, dport, n, m in ((FAR, 7000, B, inner_port, seq, ack), (B, inner_port, FAR, 7000, ack, seq)):
    for flags in (RST, RST | ACK):
        neighbour.send(source, to, 6, segment(source, sport, to, dport, n, m, flags))
t.is_("out: a neighbour forges both ends, with the exact numbers", lives(s), "yes")
seq, ack = known(at_far, s, FAR, 7000, MACHINE)
outer.send(FAR, MACHINE, 6, segment(FAR, 7000, MACHINE, outer_port, seq, ack, RST))
t.like("control: with the exact number from where it may come it is the end", lives(s), "ConnectionReset|BrokenPipe")
s.close()
s, inner_port = open_out()
seq, ack = known(at_b, s, B, inner_port, FAR)
own.send(B, FAR, 6, segment(B, inner_port, FAR, 7000, seq + 5000, ack, RST))
t.is_("out: a reset inside the window but not at its edge (RFC 5961 3.2)", lives(s), "yes")
s.close()

# ---- F7: a client's connection to a published port
s = far.open(V4, TCP)
s.connect((MACHINE, port))
client_port = s.getsockname()[1]
t.is_("in: served", lives(s), "yes")
seq, ack = known(at_b_lo, s, FAR, client_port, B)
forge(neighbour, FAR, client_port, B, 80)
forge(outer, FAR, client_port, MACHINE, port)
if seq is not None:
    neighbour.send(FAR, B, 6, segment(FAR, client_port, B, 80, seq, ack, RST))
t.is_("in: forged by a neighbour with the exact numbers, and by others outside", (seq is not None, lives(s)), (True, "yes"))
s.close()

# ---- F7: first numbers cannot be guessed
firsts, last = [], None
for _ in range(64):
    with b.open(V4, TCP) as s:
        s.connect((GATEWAY, 53))
        seq, _ = at_b.next_of(GATEWAY, 53, B, s.getsockname()[1])     # an earlier one may still say goodbye
        firsts.append(seq - 1)
steps = {(y - x) >> 16 & 0xffff for x, y in zip(firsts, firsts[1:])}
t.ok("the gateway's first sequence numbers follow no step", len(steps) > 56, sorted(steps))

# ---- F7: forged clients of a published UDP port
with far.open(V4, UDP) as s:
    s.connect((MACHINE, udp_port))

    def exchange():
        """Sent again until it is answered: a full buffer on the way loses datagrams."""
        s.settimeout(0.2)
        for _ in range(5 * LIMIT):
            s.send(b"mine")
            try:
                return s.recv(100)
            except TimeoutError:
                pass
        return b"lost"
    t.is_("a UDP client", exchange(), b"mine")
    for i in range(CLIENTS):
        source = f"{dice.choice((11, 12, 13))}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        outer.send(source, MACHINE, 17, struct.pack("!HHHH", dice.randrange(1024, 65536), udp_port, 9, 0) + b"x")
        if i % 500 == 0:
            assert exchange() == b"mine"
    t.is_(f"its conversation goes on beside {CLIENTS} forged clients", exchange(), b"mine")
fields = counted("b")
print(f"# {fields}")
t.ok("which hold a part of the container's flows", fields["flows_open"] <= 4096 + 16 and fields["published"] > min(CLIENTS, 4096) // 2, fields)
with b.open(V4, TCP) as s:
    s.connect((FAR, 7000))
    t.is_("and leave it its own", lives(s), "yes")


# ---- F8: neighbours that take all
def question(number):
    return b"\1\2\1\0\0\1\0\0\0\0\0\0\x08" + f"{number:08x}".encode() + b"\7example\0\0\1\0\1"


def answer(s, ask, size):
    """As a resolver does it: asked again until it is answered, what is full on the way loses datagrams."""
    s.settimeout(0.5)
    for _ in range(2 * LIMIT):
        ask()
        try:
            return s.recv(size)
        except TimeoutError:
            pass
    return b"lost"


def try_all(ns):
    """One more of everything, from a container that has nothing."""
    with ns.open(V4, TCP) as s, ns.open(V4, UDP) as u, ns.open(V4, UDP) as q:
        s.connect((FAR, 7000))
        u.connect((FAR, 7001))
        asked = question(dice.getrandbits(32))
        return lives(s), answer(u, lambda: u.send(b"x"), 9), answer(q, lambda: q.sendto(asked, (GATEWAY, 53)), 512)[3] & 15


with far:
    os.system("ip route add blackhole 192.0.2.0/24 2>/dev/null")
os.system(f"ip route add 192.0.2.0/24 via {FAR}")
for i, ns in enumerate(hogs):
    with ns.open(V4, UDP) as u:
        for n in range(17000):
            u.sendto(b"x", (f"192.0.2.{1 + i}", 1 + n))
            if n % 64 == 0:
                time.sleep(0)
fresh = Namespace()
ask("attach", "lab", "fresh", fresh.path, "172.18.0.99", "-")
print("# flows of the hogs:", [counted(f"hog{i}")["flows_open"] for i in range(4)])
t.is_("four neighbours hold all the flows that they can get: one more container opens its own", try_all(fresh), ("yes", b"x", 0))


def hogs_server():
    """A process of its own: what a neighbour waits for shall be the gateway, not a server that hogs keep busy."""
    listening = far.listen(7010)
    pid = os.fork()
    if pid:
        return pid
    serve(listening, echo)
    while True:
        signal.pause()


def hog(ns):
    """A process that sends and receives as fast as it can: TCP both ways, small datagrams, questions, connections."""
    pid = os.fork()
    if pid:
        return pid
    bulk = [ns.open(V4, TCP) for _ in range(4)]
    for s in bulk:
        s.connect((FAR, 7010))
        s.setblocking(False)
    small, questions = ns.open(V4, UDP), ns.open(V4, UDP)
    block, n = bytes(65536), 0
    while True:
        n += 1
        for s in bulk:
            for call in (lambda c=s: c.send(block), lambda c=s: c.recv(1 << 20)):
                try:
                    call()
                except BlockingIOError:
                    pass
        for _ in range(50):
            small.sendto(b"x" * 64, (FAR, 9))
        questions.sendto(question(n), (GATEWAY, 53))
        s = ns.open(V4, TCP)
        s.setblocking(False)
        s.connect_ex((FAR, 7010))
        s.close()


def gated_s():
    """CPU seconds of the gateway so far (Documentation/scheduler/sched-stats.rst; coarser in a kernel without them, proc(5))."""
    try:
        with open(f"/proc/{gated}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9
    except FileNotFoundError:
        with open(f"/proc/{gated}/stat") as file:
            return sum(map(int, file.read().split()[13:15])) / os.sysconf("SC_CLK_TCK")


def exchanges():
    """Of requests on an open connection, and of connections with one: p50 and p99 in us, and the p50 of what the gateway
    worked meanwhile."""
    took, worked = ([], []), ([], [])

    def measured(kind, exchange):
        begun, before = time.monotonic(), gated_s()
        assert (said := exchange()) == "yes", said
        took[kind].append(time.monotonic() - begun)
        worked[kind].append(gated_s() - before)

    def anew():
        with fresh.open(V4, TCP) as again:
            again.connect((FAR, 7000))
            return lives(again)
    with fresh.open(V4, TCP) as s:
        s.connect((FAR, 7000))
        for _ in range(ROUNDS):
            measured(0, lambda: lives(s))
            measured(1, anew)
    return [(round(statistics.median(x) * 1e6), round(sorted(x)[len(x) * 99 // 100] * 1e6), round(statistics.median(y) * 1e6))
            for x, y in zip(took, worked)]


# ---- a gateway that was taken over: what it may write to its containers
for i, ns in enumerate(hogs):       # who leaves has no flows any more
    ask("detach", "lab", f"hog{i}")
for i, ns in enumerate(hogs[:2]):
    ask("attach", "lab", f"hog{i}", ns.path, f"172.18.0.{20 + i}", "-")
gated, fresh_at = netd.gateways()["lab"], "172.18.0.99"
devices = Devices(gated)
with fresh.open(V4, UDP) as s:
    s.bind(("", 7021))
    s.settimeout(LIMIT)
    before = devices.dropped()
    for name in devices.fds:
        for source in (B, "172.18.0.20"):
            devices.write(name, source, fresh_at, 7021, b"forged")
    n = len(devices.fds)
    t.is_(f"a taken-over gateway speaks for no other container, by none of its {n} devices", within(lambda: devices.dropped() - before >= 2 * n and
          devices.dropped() - before), 2 * n)
    for name in devices.fds:
        for source in (FAR, GATEWAY):
            devices.write(name, source, fresh_at, 7021, f"{name} {source}".encode())
    t.is_("control: for the world and for itself it does, by the one that is the container's", within(lambda: devices.dropped() - before >= 4 * n - 2 and
          devices.dropped() - before), 4 * n - 2)
    heard = [s.recv(100).decode().split() for _ in range(2)]
    s.settimeout(0)
    t.is_("and nothing else was heard", ({x[1] for x in heard}, len({x[0] for x in heard}), error_of(lambda: s.recv(100))), ({FAR, GATEWAY}, 1, "EAGAIN"))

six, spoken_for = Namespace(), Namespace()
ask("create", "six", "172.19.0.0/24", "172.19.0.1", "fd00:19::/64", "fd00:19::1")
ask("attach", "six", "six", six.path, "-", "fd00:19::2")
ask("attach", "six", "spoken_for", spoken_for.path, "-", "fd00:19::3")


def started(name):
    """Devices of a gateway that has just been started, or None: it is not there yet, or has not got them."""
    try:
        d = Devices(netd.gateways()[name])
    except (KeyError, ProcessLookupError):
        return None
    return d if len(d.fds) == n else None


devices = within(lambda: started("six"))
with six.open(V6, UDP) as s:
    s.bind(("", 9))
    s.settimeout(0.1)
    for fd in devices.fds.values():     # the kernel says after a while that its new devices carry something
        within(lambda: os.write(fd, bytes(10) + udp6("fd00:19::1", "fd00:19::2", b"up")) and error_of(lambda: s.recv(100)) == "none")
    s.settimeout(LIMIT)
    sources = {"fd00:19::2", "fd00:19::3", "fd00:19::1", "fd00:19::99", "2001:db8::9"}
    for name, fd in devices.fds.items():
        for source in sorted(sources):
            os.write(fd, bytes(10) + udp6(source, "fd00:19::2", source.encode()))
    heard = []
    while len(heard) < 3 * n:
        heard += [x for x in (s.recv(100).decode(),) if x != "up"]
    s.settimeout(0)
    t.is_("IPv6: nor does it there, but for itself, the world and addresses that nobody has", ({x: heard.count(x) for x in heard}, error_of(lambda: s.recv(100))),
          ({"fd00:19::1": n, "fd00:19::99": n, "2001:db8::9": n}, "EAGAIN"))
    ask("detach", "six", "spoken_for")
    for name, fd in devices.fds.items():
        os.write(fd, bytes(10) + udp6("fd00:19::3", "fd00:19::2", b"left"))
    s.settimeout(LIMIT)
    t.is_("who has left is nobody", s.recv(100), b"left")
both = Namespace()
ask("attach", "six", "both", both.path, "172.19.0.9", "fd00:19::9")
with both:
    local = [socket.create_server(("127.0.0.1", 9090)), socket.create_server(("::1", 9090), family=V6)]
    everywhere = socket.create_server(("::", 9091), family=V6, dualstack_ipv6=True)
everywhere.settimeout(LIMIT)
for s in local:
    s.settimeout(0)
ask("publish", "six", "both", "tcp", "-", 0, 9091, "both")
within(lambda: Inside(netd.gateways()["six"]).has(8))
inside = Inside(netd.gateways()["six"])
for what, family, address in (("127.0.0.1", V4, "127.0.0.1"), ("all of 127.0.0.0/8", V4, "127.8.8.8"), ("the unspecified one", V4, "0.0.0.0"), ("::1", V6, "::1"),
                              ("the unspecified one, IPv6", V6, "::"), ("IPv4 by IPv6", V6, "::ffff:127.0.0.1")):
    t.like(f"a taken-over gateway does not reach a container's own loopback: {what}", inside.connect(family, address, 9090), "ENETUNREACH|EACCES")
t.is_("where nobody came", [error_of(s.accept) for s in local], ["EAGAIN", "EAGAIN"])
for family, source, client, address in ((V4, "127.0.0.1", FAR, "172.19.0.9"), (V6, "::1", "fd09::2", "fd00:19::9")):
    inside.connect(family, address, 9091, source, 0)
    t.is_(f"control: the container's address it does: {address}", inside.connect(family, address, 9091, client), "none")
    t.is_(f"but not as a client from {source}", everywhere.accept()[1][0].removeprefix("::ffff:"), client)
for family, address in ((V4, "127.0.0.1"), (V6, "::1")):
    forged = inside.free[family].pop()
    forged.bind((address, 9092))
    forged.listen()
    with both.open(family, TCP) as s:
        s.settimeout(0)
        error_of(lambda: s.connect((address, 9092)))
        t.is_(f"nor is it a service there: {address}", select.select([forged], [s], [], 0), ([], [], []))
    with both.open(family, TCP) as s:
        s.connect((address, 9090))
        t.is_("the container itself has both", local[family == V6].accept()[1][0], address)
ask("delete", "six")

# ---- F8: a gateway that does not get to read for a while: who sends too much meanwhile loses his own
first, seen = far.open(V4, UDP), []
first.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)     # SO_RCVBUFFORCE
first.bind((FAR, 7020))
os.kill(gated, signal.SIGSTOP)
for _ in range(20):     # more than a device holds, before each of the neighbour's
    with hogs[0].open(V4, UDP) as u:
        for _ in range(500):
            u.sendto(b"h", (FAR, 7020))
    with fresh.open(V4, UDP) as u:
        u.sendto(b"f", (FAR, 7020))
os.kill(gated, signal.SIGCONT)


def all_came():
    try:
        while True:
            seen.append(first.recv(9))
    except (BlockingIOError, TimeoutError):
        return seen.count(b"f") == 20


first.settimeout(0.2)
within(all_came, 2 * LIMIT)
at = [i for i, x in enumerate(seen) if x == b"f"]
print(f"# of 10000 of the hog's {seen.count(b'h')} came, of 20 of its neighbour's {len(at)}, as number {at}")
t.is_("of a neighbour that sends little beside one that sends 10000 nothing is lost", len(at), 20)
t.ok("and it is served by turns: before half of what the hog's device held", at and seen[:at[-1]].count(b"h") < seen.count(b"h") / 2, at)
# ---- F8: what comes for many sockets beside what comes for one
EACH, MANY = 48 << 10, 200     # bytes: less than a socket takes that nobody reads


class Arrivals:
    """When which TCP bytes of far's port came to a container, by the kernel's clock (SO_TIMESTAMPNS)."""

    def __init__(self, ns, port):
        self.port, self.got, self.s = port, [], ns.open(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
        self.s.setsockopt(socket.SOL_SOCKET, 35, 1)
        self.s.bind(("eth0", 0x0800))
        self.s.settimeout(0)

    def all(self):
        while True:
            try:
                data, cmsgs, _, _ = self.s.recvmsg(70000, 64)
            except BlockingIOError:
                return self.got
            tcp = data[(data[0] & 15) * 4:]
            if data[9] == 6 and struct.unpack("!H", tcp[:2])[0] == self.port:
                seconds, ns = struct.unpack("@qq", cmsgs[0][2])
                self.got.append((seconds * 1000000000 + ns, len(tcp) - (tcp[12] >> 4) * 4))

    def bytes(self, before=1 << 63):
        return sum(n for at, n in self.all() if at < before)


accepted = []
senders = far.listen(7011)
serve(senders, accepted.append)
many = [hogs[0].open(V4, TCP) for _ in range(MANY)]
one = fresh.open(V4, TCP)
for s in [*many, one]:
    s.connect((FAR, 7011))
t.is_(f"a hog has {MANY} connections and its neighbour one", within(lambda: len(accepted) == MANY + 1 and len(accepted)), MANY + 1)
at_hog, at_fresh = Arrivals(hogs[0], 7011), Arrivals(fresh, 7011)
os.kill(gated, signal.SIGSTOP)
for conn in accepted:   # the neighbour's is the last one
    conn.sendall(bytes(EACH))
t.ok("all that was sent to them waits in the gateway's sockets", within(lambda: not any(
    struct.unpack("i", fcntl.ioctl(c, 0x5411, bytes(4)))[0] for c in accepted)))    # SIOCOUTQ
os.kill(gated, signal.SIGCONT)
t.ok("it all comes", within(lambda: (at_fresh.bytes(), at_hog.bytes()) == (EACH, EACH * MANY)), (at_fresh.bytes(), at_hog.bytes()))
last = max(at for at, _ in at_fresh.all())
print(f"# when the neighbour had its {EACH} bytes the hog had {at_hog.bytes(last)} of {EACH * MANY}")
t.ok("the neighbour's before half of the hog's, whose sockets were ready first", at_hog.bytes(last) < EACH * MANY / 2, at_hog.bytes(last))
for s in [*many, one, *accepted]:
    s.close()
idle = exchanges()
pids = [hogs_server()] + [hog(ns) for ns in hogs[:2]]
t.ok("two hogs are at it", within(lambda: all(counted(f"hog{i}")["bytes_out"] > 4 << 20 for i in range(2))), counted("hog0"))
beside = exchanges()
asked = [try_all(fresh) for _ in range(5)]
t.is_("they still are", [os.waitpid(pid, os.WNOHANG)[0] for pid in pids], [0, 0, 0])
for pid in pids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
for what, x, y in zip(("request and response", "connect, request, close"), idle, beside):
    print(f"# {what}: idle p50 {x[0]} p99 {x[1]} us, beside two hogs p50 {y[0]} p99 {y[1]} us: {y[1] / x[1]:.1f} x; the gateway worked {x[2]} and {y[2]} us")
t.is_("beside two hogs everything of a neighbour's is answered", asked, [("yes", b"x", 0)] * 5)
# In the gateway's own time: how long it is kept from the CPU is the machine's affair.
t.ok(f"most of its exchanges do not feel them: for half the gateway works less than {WORK_MS} ms before it comes to them", all(y[2] < WORK_MS * 1000 for y in beside), beside)
t.is_("netd ends", netd.end(), 0)
if t.failed:
    print("".join(f"# log: {line}\n" for line in open("/run/log", errors="replace").read().splitlines()[-40:]), end="")
t.end()
