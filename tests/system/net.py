"""net.py - the story of net.sh: netd with a plain gateway. Every wait is for an event, with a limit. Prints TAP."""
import os
import re
import signal
import socket
import statistics
import subprocess
import time

from netlib import LIMIT, NETCTL, SOCKET, TCP, UDP, V4, V6, Namespace, Netd, Tap, error_of, hello, outside, resolvers, within
from netspoof import spoof

t = Tap("net")
CYCLES = int(os.environ.get("CYCLES", "200"))

resolvers("192.0.2.1")
far = outside()
a, b, c = Namespace(), Namespace(), Namespace()
netd = Netd()
ask = netd.ask

# ---- networks and members
t.is_("a network is made", ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1"), "done lab")
print(f"# made a network in {netd.took_us} us")
t.is_("and another one", ask("create", "two", "172.19.0.0/24", "172.19.0.1", "-", "-", "internal", "policy=deny 0.0.0.0/0"), "done two")
for who, name, last in ((a, "a", 2), (b, "b", 3)):
    t.is_(f"{name} is attached", ask("attach", "lab", name, who.path, f"172.18.0.{last}", f"fd00:18::{last}", f"name={name}"), "done lab")
t.is_("c is in the other one", ask("attach", "two", "c", c.path, "172.19.0.2", "-", "name=c", "mac=02:aa:00:00:00:01"), "done two")
t.is_("b is in both", ask("attach", "two", "b", b.path, "172.19.0.3", "-", "if=eth1", "more", "name=b"), "done two")
t.is_("a container sees lo and its device", a.devices(), ["eth0", "lo"])
t.like("with one queue, not one for each CPU", a.ip("-d", "link", "show", "eth0"), "numtxqueues 1 ")	# a kernel without RPS does not tell those for receiving
t.like("MAC by address", a.ip("link", "show", "eth0"), "02:42:ac:12:00:02")
t.like("or as wished", c.ip("link", "show", "eth0"), "02:aa:00:00:00:01")
t.ok("no address of its own choice", "fe80" not in a.ip("addr"), a.ip("addr"))
t.ok("no namespace has a name", not os.path.exists("/run/netns"))
t.is_("members talk, IPv4", hello(a, b, "172.18.0.3"), "172.18.0.2")
t.is_("members talk, IPv6", hello(a, b, "fd00:18::3", V6), "fd00:18::2")
t.is_("the second network by its own device", hello(b, c, "172.19.0.2"), "172.19.0.3")
for family, address in (V4, "172.18.0.77"), (V6, "fd00:18::77"):
    with a.open(family, UDP) as s:
        s.sendto(b"x", (address, 9))
    own = "172.18.0.2" if family == V4 else "fd00:18::2"
    t.ok(f"what is for a missing member is the gateway's to refuse: {address}", within(lambda: f"gate lab: packet {own} > {address}" in netd.log()))
with a.open(V4, TCP) as s:
    s.settimeout(0.3)
    error_of(lambda: s.connect(("172.19.0.2", 80)))
t.ok("another network is reached by the gateway or not at all", within(lambda: "gate lab: packet 172.18.0.2 > 172.19.0.2" in netd.log()))
with a.open(V4, UDP) as s, a.open(V6, UDP) as s6:
    s.sendto(b"x", ("8.8.8.8", 9))
    s6.sendto(b"x", ("2001:db8::8", 9))
t.ok("the default route ends at the gateway", within(lambda: "gate lab: packet 172.18.0.2 > 8.8.8.8" in netd.log()))
t.ok("IPv6 too", within(lambda: "gate lab: packet fd00:18::2 > 2001:db8::8" in netd.log()))
with b.open(V4, UDP) as s:
    s.bind(("172.19.0.3", 0))
    s.sendto(b"x", ("8.8.4.4", 9))
t.ok("what has the second network's address leaves by its gateway", within(lambda: "gate two: packet 172.19.0.3 > 8.8.4.4" in netd.log()), netd.log())
t.is_("attached again: done, and nothing changes", (ask("attach", "lab", "a", a.path, "172.18.0.2", "fd00:18::2", "name=a", "name=aa"), a.devices()),
      ("done lab", ["eth0", "lo"]))
t.ok("the gateway learns the new name", within(lambda: any("GATE_MEMBER [a]" in line and " 2 [a] [aa]" in line for line in netd.log().splitlines())), netd.log())
listed = sorted(ask("list").splitlines())
t.is_("all networks", [" ".join(line.split()[:3]) for line in listed if line.split()[0] != "member"], ["done", "network lab 2", "network two 2"])
t.ok("with their subnets, gateways and MTU", "network lab 2 172.18.0.0/16 172.18.0.1 fd00:18::/64 fd00:18::1 1500" in listed, listed)
t.ok("and who is on them", "member lab a 172.18.0.2 fd00:18::2" in listed, listed)

# ---- what a gateway writes, and what it is told
said = sorted(line for net in ("lab", "two") for line in (f"warn netd: gateway of network {net}: err netd: forged\\x1b[31m",
                                                          f"info netd: gateway of network {net}: and plain"))
t.is_("its words are lines of netd about it, whatever they pretend to be", within(lambda: sorted(
    line for line in netd.log().splitlines() if "forged" in line or "and plain" in line) == said and said), said)
log = netd.log()
t.like("policy, flags and MTU", log, r"gate two: GATE_NETWORK \[two\] 1 \[172.19.0.0/24\] \[172.19.0.1\] \[\] \[\] \[deny 0.0.0.0/0\] 1500 fds=8")
t.like("name servers", log, r"gate lab: GATE_RESOLVERS 1 \[192.0.2.1\]")
t.like("other networks are forbidden", log, r"gate lab: GATE_FORBIDDEN 1 \[172.19.0.0/24\]")
t.like("in both directions", log, r"gate two: GATE_FORBIDDEN 2 \[172.18.0.0/16\] \[fd00:18::/64\]")
resolvers("192.0.2.7", "fd09::53")
t.ok("new name servers, at once", within(lambda: "gate lab: GATE_RESOLVERS 2 [192.0.2.7] [fd09::53]" in netd.log()))
t.ok("to each gateway", within(lambda: "gate two: GATE_RESOLVERS 2 [192.0.2.7] [fd09::53]" in netd.log()))
status = open(f"/proc/{netd.gateways()['lab']}/status").read()
t.like("a gateway is user gate", status, r"Uid:\t103\t103\t103\t103\nGid:\t103\t103\t103\t103")
t.like("without groups, capabilities, new privileges", status, r"(?s)Groups:\t ?\n.*CapPrm:\t0{16}\nCapEff:\t0{16}\n.*NoNewPrivs:\t1")
t.like("netd keeps seven capabilities", open(f"/proc/{netd.pid}/status").read(), r"CapPrm:\t00000000002034e0\nCapEff:\t00000000002034e0\nCapBnd:\t00000000002034e0")
t.like("counters come from the member's device and the gateway", ask("stats", "lab", "a"), r"^counters lab a( \d+){6} 11 22 33$")
t.is_("of nobody there are none", ask("stats", "lab", "nobody"), "counters lab nobody")
fds = netd.fds()
t.is_("a socket for a capture", ask("capture", "lab", "a"), "done lab AF_PACKET")
with a:
    t.ok("netd keeps none of it", within(lambda: (len(open("/proc/net/packet").readlines()), netd.fds()) == (1, fds)))
t.is_("of nobody: refused", ask("capture", "lab", "nobody"), "failed lab nobody is not in network lab")

# ---- published ports
t.like("a port is published", ask("publish", "lab", "web", "tcp", "-", 0, 80, "b"), r"^done web [0-9]+$")
port = int(ask("publish", "lab", "web", "tcp", "-", 0, 80, "b").split()[-1])
t.is_("the same again keeps its port", ask("publish", "lab", "web", "tcp", "-", port, 80, "b"), f"done web {port}")
with b.listen(80, V4) as server:
    for who, address, seen in ((far, "10.9.0.1", "10.9.0.2"), (None, "127.0.0.1", "172.18.0.1")):
        with who.open(V4, TCP) if who else socket.socket() as s:
            s.settimeout(LIMIT)
            s.connect((address, port))
            server.settimeout(LIMIT)
            other, peer = server.accept()
            s.sendall(b"ping")
            t.is_(f"{address}: the container sees the client", (other.recv(4), peer), (b"ping", (seen, s.getsockname()[1])))
            other.sendall(b"pong")
            other.close()
            t.is_(f"{address}: the answer comes back", s.recv(9), b"pong")
with far.open(V4, TCP) as s:
    s.connect(("10.9.0.1", port))
    t.is_("nobody listens inside: it ends", s.recv(1), b"")
t.ok("and no packet of it left the container", "> 10.9.0.2" not in netd.log() and "> 172.18.0.1" not in netd.log(), netd.log())
leave = int(ask("publish", "lab", "leave", "tcp", "-", 0, 80, "b").split()[-1])
with c.listen(8000) as server, far.open(V4, TCP) as s:
    s.connect(("10.9.0.1", leave))
    s.recv(1)
    t.ok("a gateway's socket inside does not leave by the container's devices", within(lambda: "gate: by its own device: Operation not permitted" in netd.log()), netd.log())
    server.settimeout(0.5)
    t.is_("nor into another network of the container", error_of(server.accept), "timed out")
t.is_("withdrawn again", ask("withdraw", "lab", "leave"), "done leave")
t.is_("a second listener on the port", ask("publish", "lab", "other", "tcp", "-", port, 81, "b"),
      f"failed other port {port} of every address is in use already: choose another one, or stop what listens there")
t.is_("an address that is not ours", ask("publish", "lab", "other", "tcp", "192.0.2.99", 0, 81, "b"),
      "failed other this machine has no address 192.0.2.99 to listen on: take one of its own, or none for all")
t.is_("one key, two ports", ask("publish", "lab", "web", "tcp", "-", port, 81, "b"), "failed web web is published already as something else: withdraw it first")
udp = int(ask("publish", "lab", "dns", "udp", "10.9.0.1", 0, 53, "b").split()[-1])
with socket.socket(V4, UDP) as s:
    t.is_("UDP is bound", error_of(lambda: s.bind(("10.9.0.1", udp))), "EADDRINUSE")
t.is_("withdrawn", ask("withdraw", "lab", "dns"), "done dns")
t.ok("the port is free", within(lambda: error_of(lambda: socket.socket(V4, UDP).bind(("10.9.0.1", udp))) == "none"))

# ---- spoofing (SECURITY F2): a has every means that a container's NET_RAW gives
spoof(t, netd, a, b, "lab", ("172.18.0.2", "172.18.0.3", "172.18.0.1"), ("fd00:18::2", "fd00:18::3", "fd00:18::1"))
t.is_("afterwards they talk as before", (hello(a, b, "172.18.0.3"), hello(b, a, "fd00:18::2", V6)), ("172.18.0.2", "fd00:18::3"))

# ---- a gateway that shuts the socket of a port down, and goes
shut = int(ask("publish", "lab", "shut", "tcp", "10.9.0.1", 0, 80, "b").split()[-1])
t.is_("with another balance", ask("publish", "lab", "shut", "tcp", "10.9.0.1", shut, 80, "least", "b"), f"done shut {shut}")
with b.listen(80, V4) as server, far.open(V4, TCP) as s:
    within(lambda: error_of(lambda: far.open(V4, TCP).connect(("10.9.0.1", shut))) == "ECONNREFUSED")
    os.kill(netd.gateways()["lab"], signal.SIGKILL)
    t.ok("the next one has a socket that listens", within(lambda: error_of(lambda: s.connect(("10.9.0.1", shut))) == "none"), netd.log())
    server.settimeout(LIMIT)
    server.accept()[0].close()
t.is_("withdrawn, too", ask("withdraw", "lab", "shut"), "done shut")

# ---- or takes the port of one of UDP
def is_bound(port):
    return any(line.split()[1].endswith(f":{port:04X}") for line in open("/proc/net/udp"))
bound = int(ask("publish", "lab", "bound", "udp", "0.0.0.0", 0, 80, "b").split()[-1])
ask("publish", "lab", "bound", "udp", "0.0.0.0", bound, 80, "least", "b")
t.ok("it is gone", within(lambda: not is_bound(bound)))
os.kill(netd.gateways()["lab"], signal.SIGKILL)
t.ok("the next one has it", within(lambda: is_bound(bound)), netd.log())
ask("withdraw", "lab", "bound")

# ---- and somebody else takes the port meanwhile
taken = int(ask("publish", "lab", "taken", "tcp", "10.9.0.1", 0, 80, "b").split()[-1])
ask("publish", "lab", "taken", "tcp", "10.9.0.1", taken, 80, "least", "b")
within(lambda: error_of(lambda: far.open(V4, TCP).connect(("10.9.0.1", taken))) == "ECONNREFUSED")
with socket.create_server(("10.9.0.1", taken)):
    at, old = len(netd.log()), netd.gateways()["lab"]
    os.kill(old, signal.SIGKILL)
    t.ok("it is said", within(lambda: f"port taken did not listen any more: port {taken} of 10.9.0.1 is in use already" in netd.log()[at:]), netd.log()[at:])
    t.is_("what is asked for meanwhile is done", (ask("publish", "lab", "taken", "tcp", "10.9.0.1", taken, 80, "b"), ask("backend", "lab", "taken", "b", 1)),
          (f"done taken {taken}", "done taken"))
    t.ok("the next gateway serves", within(lambda: netd.gateways().get("lab", old) != old and "its gateway serves" in netd.log()[at:]), netd.log()[at:])
with b.listen(80, V4) as server, far.open(V4, TCP) as s:
    t.ok("once it is free it listens again", within(lambda: error_of(lambda: s.connect(("10.9.0.1", taken))) == "none"), netd.log()[at:])
    server.settimeout(LIMIT)
    server.accept()[0].close()
t.like("the gateway hears of it then, and of nothing before", next((line for line in netd.log()[at:].splitlines() if "[taken]" in line), ""),
       r"GATE_PUBLISH \[taken\].*fds=1")
t.is_("withdrawn as well", ask("withdraw", "lab", "taken"), "done taken")

# ---- a gateway is killed
before = netd.gateways()
at = len(netd.log())
with b.listen(80, V4) as server, far.open(V4, TCP) as s:
    os.kill(before["lab"], signal.SIGKILL)
    start = time.monotonic()
    s.connect(("10.9.0.1", port))    # waits in the queue of netd's socket
    server.settimeout(LIMIT)
    other, peer = server.accept()
    took = time.monotonic() - start
    other.close()
t.is_("killed: a client that came meanwhile is served", peer[0], "10.9.0.2")
print(f"# published port back after {took * 1000:.1f} ms")
again = netd.log()[at:]
for what in (r"GATE_NETWORK \[lab\].*fds=8", r"GATE_MEMBER \[a\]", r"GATE_MEMBER \[b\]", r"GATE_PUBLISH \[web\].*fds=1", r"GATE_BACKEND \[web\] \[b\] 1",
             r"GATE_RESOLVERS 2", r"GATE_FORBIDDEN 1"):
    t.like(f"the new one is told again: {what}", again, what)
t.ok("the other network's goes on", netd.gateways()["two"] == before["two"] and netd.gateways()["lab"] != before["lab"], netd.gateways())
t.is_("members notice nothing", hello(a, b, "172.18.0.3"), "172.18.0.2")

# ---- what is refused
file = "/run/netctl"
for what, words, why in (
    ("a network that overlaps", ("create", "x", "172.18.4.0/24", "172.18.4.1", "-", "-"), "its subnet overlaps with network lab"),
    ("no subnet", ("create", "x", "-", "-", "-", "-"), "it has no subnet"),
    ("host bits", ("create", "x", "172.30.0.1/16", "172.30.0.1", "-", "-"), "172.30.0.1/16 is no IPv4 subnet"),
    ("the wrong family", ("create", "x", "-", "-", "172.30.0.0/16", "172.30.0.1"), "172.30.0.0/16 is no IPv6 subnet"),
    ("a gateway elsewhere", ("create", "x", "172.30.0.0/16", "172.31.0.1", "-", "-"), "gateway 172.31.0.1 is no address of a machine in 172.30.0.0/16"),
    ("a gateway that everybody is", ("create", "x", "172.30.0.0/16", "172.30.255.255", "-", "-"), "gateway 172.30.255.255 is no address of a machine in 172.30.0.0/16"),
    ("loopback", ("create", "x", "127.1.0.0/16", "127.1.0.1", "-", "-"), "127.1.0.0/16 lies where no network can be"),
    ("multicast", ("create", "x", "172.30.0.0/16", "172.30.0.1", "ff05::/64", "ff05::1"), "ff05::/64 lies where no network can be"),
    ("an MTU that IPv6 has not", ("create", "x", "-", "-", "fd77::/64", "fd77::1", "mtu=1279"), "an MTU is 1280 to 65535 bytes here, not 1279"),
    ("a name that is a path", ("create", "../x", "172.30.0.0/16", "172.30.0.1", "-", "-"), "that is no name of a network"),
    ("another subnet while it is used", ("create", "lab", "172.30.0.0/16", "172.30.0.1", "-", "-"), "it is in use: its subnets, gateways and MTU stay as they are until its containers have left"),
    ("an unknown network", ("attach", "x", "d", c.path, "172.18.0.9", "-"), "there is no network x"),
    ("a stranger's address", ("attach", "lab", "d", c.path, "10.0.0.9", "-"), "10.0.0.9 is no address of a machine in network lab"),
    ("everybody's address", ("attach", "lab", "d", c.path, "172.18.255.255", "-"), "172.18.255.255 is no address of a machine in network lab"),
    ("the gateway's address", ("attach", "lab", "d", c.path, "172.18.0.1", "-"), "172.18.0.1 is the gateway's address: give the container another one"),
    ("a neighbour's address", ("attach", "lab", "d", c.path, "172.18.0.3", "-"), "172.18.0.3 is the address of b"),
    ("a group's MAC", ("attach", "lab", "d", c.path, "172.18.0.9", "-", "mac=03:00:00:00:00:01"), "03:00:00:00:00:01 is no MAC address of one device"),
    ("a device called lo", ("attach", "lab", "d", c.path, "172.18.0.9", "-", "if=lo"), "that is no name of a container or of its device"),
    ("no namespace", ("attach", "lab", "d", "-", "172.18.0.9", "-"), "its network namespace was not passed"),
    ("a file as namespace", ("attach", "lab", "d", file, "172.18.0.9", "-"), "what was passed is no network namespace"),
    ("another kind of namespace", ("attach", "lab", "d", f"/proc/{c.pid}/ns/uts", "172.18.0.9", "-"), "what was passed is no network namespace"),
    ("the machine's own namespace", ("attach", "lab", "d", "/proc/self/ns/net", "172.18.0.9", "-"), "it is in the machine's own network namespace"),
    ("a device that it has already", ("attach", "lab", "c", c.path, "172.18.0.9", "-"), None),
    ("a port of an unknown network", ("publish", "x", "k", "tcp", "-", 0, 80), "there is no network x"),
    ("port 0 inside", ("publish", "lab", "k", "tcp", "-", 0, 0), "a port is 1 to 65535"),
    ("SCTP", ("publish", "lab", "k", 132, "-", 0, 80), "protocol 132 cannot be published: only tcp and udp"),
    ("a backend of nothing", ("backend", "lab", "k", "a", 1), "k is not published"),
):
    got = ask(*words)
    if why is None:    # eth0 of network two is one of ours: the newer wish wins, as after a netd that was killed
        t.is_(f"{what}: the newer one", got, "done lab")
        t.is_("and back", (ask("detach", "lab", "c"), ask("detach", "two", "c"), ask("attach", "two", "c", c.path, "172.19.0.2", "-")), ("done lab", "done two", "done two"))
    else:
        t.ok(f"refused: {what}", got.startswith("failed ") and got.endswith(why), f"got {got!r}\nwant {why!r}")
c.ip("link", "add", "eth7", "type", "veth", "peer", "name", "eth8")
t.ok("refused: a device of the container's own", ask("attach", "lab", "d", c.path, "172.18.0.9", "-", "if=eth7").endswith(
    "it has a device of its own that is called eth7"))
t.is_("which stays", [d for d in c.devices() if d == "eth7"], ["eth7"])
t.is_("one that is not attached: done", ask("detach", "lab", "nobody"), "done lab")
t.is_("one that is not there: done", ask("delete", "nothing"), "done nothing")

# ---- nothing is left behind
t.is_("detached", ask("detach", "lab", "a"), "done lab")
t.is_("its device is gone when it is said", a.devices(), ["lo"])
t.like("the gateway knows", within(lambda: "GATE_LEAVE [a]" in netd.log() and "yes"), "yes")
fds, took, tables = netd.fds(), [], c.tables()
for i in range(CYCLES):
    assert ask("attach", "lab", "a", a.path, "172.18.0.2", "fd00:18::2") == "done lab"
    took.append(netd.took_us)
    assert ask("detach", "lab", "a") == "done lab"
print(f"# attach: median {statistics.median(took):.0f} us, 95 % {sorted(took)[len(took) * 95 // 100]} us (goal 3000)")
t.is_(f"{CYCLES} attached and detached: no fd is left", netd.fds(), fds)
t.is_("no device", a.devices(), ["lo"])
assert ask("create", "third", "172.31.0.0/24", "172.31.0.1", "fd31::/64", "fd31::1") == "done third"
for i in range(5):
    assert ask("attach", "third", "b", b.path, "172.31.0.3", "fd31::3", "if=eth2", "more") == "done third"
    assert ask("detach", "third", "b") == "done third"
t.ok("on one more network again and again: a rule for its answers, one for who is bound to it, and no more",
     [b.ip(f, "rule").count(words) for f, words in (("-4", "from 172.31.0.3 lookup"), ("-6", "from fd31::3 lookup"), ("-4", "oif eth2 "))] == [1, 1, 1],
     b.tables())
assert ask("delete", "third") == "done third"
for i in range(CYCLES // 4):
    assert ask("create", "brief", "172.30.0.0/16", "172.30.0.1", "fd30::/64", "fd30::1") == "done brief"
    assert ask("attach", "brief", "a", a.path, "172.30.0.2", "fd30::2") == "done brief"
    assert ask("delete", "brief") == "done brief"
    assert within(lambda: a.devices() == ["lo"]), a.devices()
t.is_(f"{CYCLES // 4} networks made and deleted with a member: no fd", netd.fds(), fds)
t.is_("no process", sorted(netd.gateways()), ["lab", "two"])
gone = Namespace()
ask("attach", "lab", "gone", gone.path, "172.18.0.20", "fd00:18::20")
gone.end()
t.is_("a container that ended before it is detached", ask("detach", "lab", "gone"), "done lab")
t.is_("leaves no fd", netd.fds(), fds)
many = [Namespace() for _ in range(20)]
took = []
for i, n in enumerate(many):
    assert ask("attach", "lab", f"m{i}", n.path, f"172.18.1.{i + 1}", f"fd00:18::1:{i + 1}") == "done lab"
    took.append(netd.took_us)
print(f"# attach of 20 at once: median {statistics.median(took):.0f} us")
t.is_("the last reaches the first", hello(many[19], many[0], "172.18.1.1"), "172.18.1.20")

# ---- a gateway that takes sockets for ever
greedy = Namespace()
t.is_("a greedy gateway's network", (ask("create", "bad", "172.21.0.0/16", "172.21.0.1", "-", "-"), ask("attach", "bad", "greedy", greedy.path, "172.21.0.2", "-")),
      ("done bad", "done bad"))
took = []
while "sockets in" not in netd.log():
    ask("list")
    took.append(netd.took_us)
ms = int(re.search(r"gate: [0-9]+ sockets in ([0-9]+) ms", netd.log())[1])
print(f"# 24,000 sockets in {ms} ms; {len(took)} answers meanwhile, median {statistics.median(took):.0f} us")
t.ok("its sockets are counted out: 16,000 a second", ms > 1000, ms)
t.is_("it is deleted", ask("delete", "bad"), "done bad")

# ---- messages that are none
for what, data in (("empty", b""), ("short", b"\1"), ("unknown", b"\xff\xff\xff\xff"), ("cut", b"\x20\0\0\0s\xff\xff\xff\xffab")):
    netd.talk.stdin.close()
    netd.talk.wait(LIMIT)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(LIMIT)
        s.connect(SOCKET)
        s.send(data)
        t.is_(f"a message that is {what}: the connection ends", s.recv(10), b"")
    netd.talk = subprocess.Popen([NETCTL, "talk", SOCKET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    t.is_("netd goes on", ask("detach", "lab", "nobody"), "done lab")

# ---- netd is killed, and starts anew
gateways = netd.gateways()
netd.end(signal.SIGKILL)
t.ok("killed: its gateways end with it", within(lambda: not netd.gateways()), netd.gateways())
netd = Netd()
ask = netd.ask
ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1")
t.is_("the next one attaches what runs, whatever is left of the old", [ask("attach", "lab", f"m{i}", n.path, f"172.18.1.{i + 1}", f"fd00:18::1:{i + 1}")
      for i, n in enumerate(many)], ["done lab"] * 20)
t.is_("they talk", hello(many[3], many[4], "172.18.1.5"), "172.18.1.4")
t.ok("what it was not told of is gone", within(lambda: b.devices() == ["lo"]), b.devices())
t.is_("the port is published anew", ask("publish", "lab", "web", "tcp", "-", port, 80, "m1"), f"done web {port}")
t.is_("told to end it ends", netd.end(), 0)
t.ok("and nothing is left", within(lambda: not netd.gateways() and all(n.devices() == ["lo"] for n in many)), [n.devices() for n in many])
t.end()
