"""gate_matrix.py NAME=PID... - who reaches what, as a table; for gate_matrix.sh, in its world.

In every network namespace of the containers, in the machine's, and in a world outside that has all addresses which ought to
be closed, listeners of TCP and UDP note whom they hear. All probes of all sources are made at once. A cell has three signs,
for TCP, UDP and echo:

    +  its owner heard it        s  the sender alone did        !  somebody else did
    x  an error said no          .  silence                     (blank)  there is no such thing

Silence is the one thing waited for by time: until nothing has come for so long that a neighbour that nobody is has been
given up (3 s, arp(7)). How fast the machine is does not matter: what may have been lost is sent again, and silence counts
only when all that was answered once is answered again meanwhile.
"""
import errno
import os
import select
import socket
import struct
import sys
import threading
import time

from netlib import OWN, TCP, UDP, V4, V6, Namespace, outside

PORT, QUIET_S, LIMIT_S, KINDS = 9, 4.0, 120, ("tcp", "udp", "echo")
IP_RECVERR, IPV6_RECVERR, UNREACHABLE = 11, 25, {V4: 3, V6: 1}
MAGIC = os.getpid() & 0xffff
NETWORKS = ("default", "user", "inner")
SUBNET = {"default": "172.29.", "user": "172.30.", "inner": "172.31."}
WORLD = ("10.9.0.7/24 169.254.169.254/32 169.254.7.7/32 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32 198.18.0.9/32 240.0.0.9/32 "
         "fd09::7/64 fd00:ec2::254/128 64:ff9b::a09:1/128 64:ff9b:1::7/128 2002:a09:1::1/128 2001:0:a09:1::1/128 fec0::7/128 100::7/128 "
         "fe80::7/64").split()
heard = {}      # nonce -> who


class Joined(Namespace):
    """Another process's network namespace."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY)

    def addresses(self):
        words = self.ip("-o", "addr").split()
        return [w.split("/")[0] for at, w in enumerate(words) if words[at - 1] in ("inet", "inet6")]

    def device_on(self, network):
        """The name of its device on a network, and the addresses there."""
        lines = [line.split() for line in self.ip("-o", "addr").splitlines()]
        device = next(w[1] for w in lines if w[3].startswith(SUBNET[network]))
        return device, [w[3].split("/")[0] for w in lines if w[1] == device and not w[3].startswith("fe80:")]

    def global_addresses(self):
        return [a for a in self.addresses() if not a.startswith(("127.", "fe80:")) and a != "::1"]


# ---- who listens

def join_groups(s, device):
    for group in ("224.0.0.251", "239.1.2.3"):
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + bytes(4) + struct.pack("=i", device))
    for group in ("ff05::fb", "ff0e::1"):
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(V6, group) + struct.pack("=I", device))


def serve(who, ns, device):
    """What is said to PORT in there is noted as heard by `who`."""
    tcp, udp = ns.open(V6, TCP), ns.open(V6, UDP)
    for s in tcp, udp:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", PORT))
        s.settimeout(None)
    tcp.listen(256)
    if device:
        join_groups(udp, device)

    def note(nonce):
        heard.setdefault(nonce, set()).add(who)

    def run(each):
        while True:
            each()
    for each in (lambda: note(udp.recv(64)),
                 lambda: threading.Thread(target=lambda c: note(c.recv(64)), args=(tcp.accept()[0],), daemon=True).start()):
        threading.Thread(target=run, args=(each,), daemon=True).start()


# ---- who asks

def is_ready(s, events):
    """select(2) knows the first 1024 descriptors alone."""
    poll = select.poll()
    poll.register(s, events)
    return poll.poll(0)


def echo_packet(family, number):
    head = struct.pack("!BBHHH", 128 if family == V6 else 8, 0, 0, MAGIC, number)
    total = sum(struct.unpack("!4H", head))     # the kernel does IPv6's
    return head[:2] + struct.pack("!H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + head[4:]


class Bound:
    """A namespace whose sockets send by one device alone, whatever the routes say."""

    def __init__(self, ns, device):
        self.addresses, self.device, self.inside = ns.addresses, device, ns

    def __enter__(self):
        return self.inside.__enter__()

    def __exit__(self, *error):
        return self.inside.__exit__(*error)

    def open(self, *words):
        s = self.inside.open(*words)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.device.encode())
        return s


class Source:
    def __init__(self, name, ns, network):
        self.name, self.ns, self.network, self.addresses = name, ns, network, ns.addresses()
        with ns:
            names = {n: i for i, n in socket.if_nameindex()}
        self.device = names.get(getattr(ns, "device", "eth0")) or names.get("out0") or 0
        self.raw = {V4: ns.open(V4, socket.SOCK_RAW, socket.IPPROTO_ICMP), V6: ns.open(V6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)}
        self.raw[V4].setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for s in self.raw.values():
            s.setblocking(False)

    def echoes(self):
        """(number of the probe, "+", "s" or "x") of each that came."""
        for family, s in self.raw.items():
            while is_ready(s, select.POLLIN):
                try:
                    data, peer = s.recvfrom(4096)
                except OSError:
                    continue
                data = data if family == V6 else data[(data[0] & 15) * 4:]
                is_own = peer[0].startswith("127.") or peer[0].split("%")[0] in self.addresses
                sign = "s" if is_own else "+"
                if data[0] == UNREACHABLE[family]:
                    data, sign = data[8 + (40 if family == V6 else (data[8] & 15) * 4):], "x"
                elif data[0] != (129 if family == V6 else 0):
                    continue
                if len(data) >= 8 and struct.unpack_from("!H", data, 4)[0] == MAGIC:
                    yield struct.unpack_from("!H", data, 6)[0], sign


class Probe:
    """One address, by one protocol, from one source; `sign` is its outcome."""

    def __init__(self, source, owners, address, kind, number):
        self.source, self.owners, self.address, self.kind, self.number = source, owners, address, kind, number
        self.sign, self.socket, self.sent = None, None, False
        self.nonce = f"{number} {source.name} {kind}".encode()
        self.family = V6 if ":" in address else V4
        self.to = (address[:-1], PORT, 0, source.device) if address.endswith("%") else (address, PORT)

    def start(self):
        """Also again, while it has no outcome."""
        try:
            getattr(self, f"start_{self.kind}")()
        except OSError:
            self.sign = "x"

    def start_tcp(self):
        self.socket = self.source.ns.open(self.family, TCP)
        self.socket.setblocking(False)
        if self.socket.connect_ex(self.to) not in (0, errno.EINPROGRESS):
            self.sign = "x"

    def start_udp(self):
        self.socket = self.socket or self.source.ns.open(self.family, UDP)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(*((socket.IPPROTO_IP, IP_RECVERR) if self.family == V4 else (socket.IPPROTO_IPV6, IPV6_RECVERR)), 1)
        self.socket.sendto(self.nonce, self.to)

    def start_echo(self):
        if self.to[0].startswith("::ffff:"):
            self.sign = " "         # a raw IPv6 socket knows no mapped address
        else:
            self.source.raw[self.family].sendto(echo_packet(self.family, self.number), (self.to[0], 0, *self.to[2:]))

    def look(self):
        """What has come by now."""
        if self.nonce in heard:
            others = heard[self.nonce] - {self.source.name}
            self.sign = "s" if not others else "+" if others <= set(self.owners) else "!"
        elif self.sign is None and self.kind != "echo":
            try:
                if self.kind == "udp":
                    self.socket.recv(64)
                elif not self.sent and is_ready(self.socket, select.POLLOUT):
                    self.sent = self.socket.send(self.nonce) > 0
            except BlockingIOError:
                pass
            except OSError:
                self.sign = "x"
        return self.sign


# ---- rows

def rows_of(inside):
    """(what, what is shown of an address, addresses and owners by source)"""
    of = {name: ns.global_addresses() for name, ns in inside.items()}
    gates = {net: [of[net + "1"][0].rsplit(".", 1)[0] + ".1", of[net + "1"][1].rsplit(":", 1)[0] + ":1"] for net in NETWORKS}
    everyone = (*inside, "machine", "world")

    def family(address):
        return f"IPv{6 if ':' in address else 4}"
    yield "itself", family, lambda s: (of[s.name] if s.network and not isinstance(s.ns, Bound) else [], ())
    yield "its loopback", str, lambda s: ("127.0.0.1 127.8.9.1 ::1 0.0.0.0 ::".split(), ())
    yield "a container of its network", family, lambda s: (of.get(s.network + "2", []), (s.network + "2",))
    yield "its gateway", family, lambda s: (gates.get(s.network, []), ())
    for net in NETWORKS:
        yield f"a container of {net}", family, lambda s, n=net: (of[n + "2"] if s.network != n else [], (n + "2",))
        yield f"the gateway of {net}", family, lambda s, n=net: (gates[n] if s.network != n else [], ())
    for name, net in (("two", "user"), ("two", "inner"), ("peer", "default"), ("peer", "inner")):
        there = inside[name].device_on(net)[1]
        yield f"{name} on {net}", family, lambda s, n=name, a=there: (a if s.name != n else [], (n,))
    for what, addresses, owners in (
            ("nobody of a subnet", "172.29.7.7 172.30.7.7 172.31.7.7", ()),
            ("the machine", "10.9.0.1 10.9.0.3 198.51.100.1 fd09::1", ("machine",)),
            ("outside", "10.9.0.7 10.9.0.2 fd09::7", ("world",)),
            ("link-local", "169.254.7.7 fe80::7%", ("world",)),
            ("metadata", "169.254.169.254 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254", ("world",)),
            ("multicast", "224.0.0.251 239.1.2.3 ff02::1% ff05::fb% ff0e::1%", everyone),
            ("broadcast", "255.255.255.255 10.9.0.255 172.29.255.255 172.30.255.255 172.31.255.255", everyone),
            ("NAT64", "64:ff9b::a09:1 64:ff9b:1::7", ("world",)),
            ("6to4, Teredo", "2002:a09:1::1 2001:0:a09:1::1", ("world",)),
            ("v4-mapped", "::ffff:10.9.0.1 ::ffff:169.254.169.254", ("machine", "world")),
            ("v4-compatible", "::10.9.0.1", ("machine",)),
            ("site-local, discard", "fec0::7 100::7", ("world",)),
            ("reserved", "0.1.2.3 198.18.0.9 240.0.0.9", ("world",))):
        yield what, str, lambda s, a=addresses, o=owners: (a.split(), o)


def make_world(machine):
    """Beyond the machine, which takes it for the way to everywhere."""
    world = outside()
    for a in WORLD:
        world.ip("addr", "add", a, "dev", "eth0", *(["nodad"] if ":" in a else []))
    for ns, lines in ((machine, ("addr add 10.9.0.3/24 dev out0", "addr add 198.51.100.1/32 dev lo", "route add default via 10.9.0.7",
                                 "route add default via fd09::7")),
                      (world, ("route add default via 10.9.0.1", "route add default via fd09::1"))):
        for words in lines:
            ns.ip(*words.split())
    return world


def ask(rows, sources):
    """(row, column, address, kind) -> probe, with its outcome"""
    cells, by_number = {}, {}
    for name, _, what in rows:
        for column, source in enumerate(sources):
            addresses, owners = what(source)
            for address in addresses:
                for kind in KINDS:
                    probe = Probe(source, owners, address, kind, len(by_number) + 1)
                    cells[name, column, address, kind] = by_number[probe.number] = probe
    for probe in cells.values():
        probe.start()
    settled, end = 0, time.monotonic() + LIMIT_S
    while settled != (settled := wait_until_quiet(by_number, sources)) and time.monotonic() < end:
        again = [Probe(p.source, p.owners, p.address, p.kind, len(by_number) + 1 + i)
                 for i, p in enumerate(p for p in cells.values() if p.sign == "+")]
        for probe in [p for p in cells.values() if not p.sign and p.kind != "tcp"] + again:
            by_number[probe.number] = probe
            probe.start()
        while not all(p.sign for p in again) and time.monotonic() < end:
            look(by_number, sources)
            time.sleep(0.01)
        settled += len(again)
    return cells


def look(by_number, sources):
    """How many probes have an outcome by now."""
    for source in sources:
        for number, sign in source.echoes():
            if by_number[number].sign in (None, "s"):
                by_number[number].sign = sign
    return sum(bool(p.look()) for p in by_number.values())


def wait_until_quiet(by_number, sources):
    last, decided = time.monotonic(), 0
    while time.monotonic() - last < QUIET_S:
        now = look(by_number, sources)
        if now != decided:
            last, decided = time.monotonic(), now
        time.sleep(0.01)
    return decided


def show(titles, rows, sources, cells):
    print(f"{'':40}" + "".join(f"{t:10}" for t in titles).rstrip())
    for name, shown, what in rows:
        lines = {}
        for column, source in enumerate(sources):
            for address in what(source)[0]:
                signs = "".join(cells[name, column, address, k].sign or "." for k in KINDS)
                line = lines.setdefault(shown(address), {})
                line[column] = signs if line.get(column, signs) == signs else "differ"
        for address, line in lines.items():
            print(f"{name + ': ' + address:40}" + "".join(f"{line.get(c, ''):10}" for c in range(len(sources))).rstrip())


def main():
    inside = {name: Joined(f"/proc/{pid}/ns/net") for name, pid in (word.split("=") for word in sys.argv[1:])}
    machine = Joined("/proc/self/ns/net")
    assert os.path.sameopenfile(machine.fd, OWN)
    world = make_world(machine)
    columns = {"bridge": Source("default1", inside["default1"], "default"), "user": Source("user1", inside["user1"], "user"),
               "internal": Source("inner1", inside["inner1"], "inner"), "two": Source("two", inside["two"], "user"),
               "two:inner": Source("two", Bound(inside["two"], inside["two"].device_on("inner")[0]), "inner"), "none": Source("none", inside["none"], ""),
               "host": Source("machine", inside["host"], ""), "container:user1": Source("user1", inside["shared"], "user")}
    for name, ns in (*inside.items(), ("machine", machine), ("world", world)):
        if name not in ("host", "shared"):
            with ns:
                devices = {n: i for i, n in socket.if_nameindex()}
            serve(name, ns, devices.get("eth0") or devices.get("out0"))
    rows, sources = list(rows_of(inside)), list(columns.values())
    show(columns, rows, sources, ask(rows, sources))
    sys.stdout.flush()
    os._exit(0)     # listeners wait for ever


main()
