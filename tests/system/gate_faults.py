"""gate_faults.py - the story of gate_faults.sh. Prints TAP."""
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from farlib import (A, FAR, HERE, IP, LIMIT, V4, V6, Namespace, Netd, connect, connect_many, echo, echo_many, far_world, lab, pair, pattern,
                    published, pss_mib, read_all, sh, start, within)
from netlib import TCP, Tap, error_of

t = Tap("faults")
MIB = 1 << 20
BLACK = {V4: "10.8.9.9", V6: "fd08:9::9"}      # behind a link of 1280 that nobody is told of


def sends(s, data):
    def run():
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError as e:
            print(f"# sender: {e}", flush=True)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def asks(ns, address, port, count):
    """So many connections one after the other, each served; the longest time of one."""
    longest = 0
    for i in range(count):
        begin = time.monotonic()
        s = connect(ns, address, port)
        s.settimeout(LIMIT)
        s.sendall(b"%d" % i)
        s.shutdown(socket.SHUT_WR)
        assert s.recv(20) == b"%d" % i
        s.close()
        longest = max(longest, time.monotonic() - begin)
    return longest


def dig(ns, name, *words):
    with ns:
        out = subprocess.run(["dig", "@172.18.0.1", f"+tries={LIMIT // 5}", "+time=5", "+noall", "+comments", "+answer", *words, name], capture_output=True, text=True).stdout
    return (re.findall(r"status: (\w+)", out) + [out])[0]


def order(ns, *names):
    """Asked for A in one go from one socket: (name, code) in the order of the answers. What is answered at once comes before what
    was asked after it, however slow the machine is."""
    got = []
    with ns.open(V4, socket.SOCK_DGRAM) as s:
        for i, n in enumerate(names):
            wire = b"".join(bytes([len(label)]) + label.encode() for label in n.split(".")) + b"\0"
            s.sendto(struct.pack(">6H", i, 256, 1, 0, 0, 0) + wire + b"\0\1\0\1", ("172.18.0.1", 53))
        while len(got) < len(names):
            data = s.recv(4096)
            got.append((names[data[1]], data[3] & 15))
    return got


router, far = far_world()
for words in ("10.8.9.9/32", "fd08:9::9/128 nodad", "192.0.2.53/32", "192.0.2.54/32", "192.0.2.55/32", "192.0.2.7/32", "fd92::7/128 nodad", "fd92::53/128 nodad"):
    far.ip("addr", "add", *words.split(), "dev", "eth0")
sh(f"""ip route add 192.0.2.0/24 via 10.8.0.2; ip route add fd92::/64 via fd08::2; ip route add 10.20.0.0/16 via 10.8.0.2
    ip link add eth2 type veth peer name eth2 netns {far.pid}
    ip addr add 10.7.0.1/30 dev eth2; ip addr add fd07::1/64 dev eth2 nodad; ip link set eth2 gso_max_segs 1 up""", router)
# The far end takes less than its other end sends, and says nothing: as a switch does it, no router.
sh("ip addr add 10.7.0.2/30 dev eth2; ip addr add fd07::2/64 dev eth2 nodad; ip link set eth2 mtu 1280 up", far)
sh("ip route add 10.8.9.9/32 via 10.7.0.2; ip route add fd08:9::9/128 via fd07::2", router)
# Who is there only in what a flood says: silent.
sh("ip route add blackhole 10.20.0.0/16", far)
with open("/run/net/resolv.conf", "w") as f:
    f.write("nameserver 192.0.2.53\n")
HOME = os.path.dirname(os.path.abspath(__file__))
world = start(far, "python3", f"{HOME}/gate_world.py", "/run/world.log", until="ready")
a, b, c = Namespace(), Namespace(), Namespace()
netd = Netd()
lab(netd, a, b)
netd.ask("create", "two", "172.19.0.0/16", "172.19.0.1", "fd19::/64", "fd19::1")
t.is_("a container of another network", netd.ask("attach", "two", "c", c.path, "172.19.0.2", "fd19::2", "name=c"), "done two")
for ns in (far, b, c):
    echo(ns)
bulk, served = published(netd, "bulk", "tcp", 4000, "b"), published(netd, "echo", "tcp", 7, "b")
gated = within(lambda: netd.gateways().get("lab"))
other_served = published(netd, "echo-two", "tcp", 7, "c", "two")



def show_log(*error):
    print("".join(f"# log: {line}\n" for line in netd.log().splitlines()[-40:]), end="", flush=True)
    sys.__excepthook__(*error)


sys.excepthook = show_log

# ---- a path that loses what is above 1280 bytes, without a word
value = re.search(r'tcp_mtu_probing", "(\d)"', open(f"{HOME}/../../init/mounts.c").read())
t.ok("the appliance looks for such paths", value)
sh(f"sysctl -qw net.ipv4.tcp_mtu_probing={value.group(1) if value else 0}")
ways = []
for family in (V4, V6):
    mine, theirs = pair(a, far, family, (BLACK[family], 4001), 4001)
    client, inside = pair(far, b, family, (HERE[family], bulk), 4000)
    ways += [(f"{IP[family]}: up from a container", mine, theirs)]
    # The client's address is the narrow one: the answers go there.
    client.close()
    inside.close()
    with far.open(family, TCP) as s, b.listen(4000, family) as listening:
        s.bind((BLACK[family], 0))
        s.connect((HERE[family], bulk))
        inside, _ = listening.accept()
        ways += [(f"{IP[family]}: down from a published port", inside, s.dup())]
        ways[-1][2].settimeout(LIMIT)
begin, data, got = time.monotonic(), pattern(7, 10 * MIB), {}


def finish(what, s):
    try:
        got[what] = read_all(s), time.monotonic() - begin
    except OSError as e:
        got[what] = (0, str(e)), 0


threads = [sends(one, data) for _, one, _ in ways] + [threading.Thread(target=finish, args=(what, s)) for what, _, s in ways]
for thread in threads[4:]:
    thread.start()
for thread in threads[4:]:
    thread.join()
for what, one, two in ways:
    (size, digest), took = got[what]
    t.ok(f"a path that loses what is above 1280 bytes: {what}: 10 MiB arrive", (size, digest) == (len(data), hashlib.sha256(data).hexdigest()), (size, digest))
    t.ok(f"... within {LIMIT} s", 0 < took < LIMIT, took)
    print(f"# {took:.2f} s")
    one.close()
    two.close()
for thread in threads[:4]:
    thread.join()

# ---- the cable is pulled in the middle, and put back
before, data = pss_mib(gated), pattern(8, 64 * MIB)
mine, theirs = pair(a, far, V4)
client, inside = pair(far, b, V4, (HERE[V4], bulk), 4000)
more, more_there = pair(a, far, V4)
halves = [sends(mine, data), sends(inside, data), sends(more_there, data)]
first = [s.recv(MIB) for s in (theirs, client, more)]
sh("ip link set eth1 down", router)
t.ok("the cable is pulled: what is under way waits, in bounded memory", not within(lambda: not any(h.is_alive() for h in halves), 1) and pss_mib(gated) - before < 24,
     (before, pss_mib(gated)))
t.ok("... members talk to each other, and to the gateway", dig(a, "b") == "NOERROR" and asks(a, "172.18.0.3", 7, 5) < LIMIT)
sh("ip link set eth1 up; ip route replace 10.20.0.0/16 via 10.8.0.2; ip route replace 192.0.2.0/24 via 10.8.0.2",
   router)
ends = [hashlib.sha256(f) for f in first]
sizes = [len(f) for f in first]
for i, s in enumerate((theirs, client, more)):
    while part := s.recv(MIB):
        ends[i].update(part)
        sizes[i] += len(part)
want = hashlib.sha256(data).hexdigest()
t.ok("it is put back: all of it arrives, each way", [h.hexdigest() for h in ends] == [want] * 3, sizes)
for h in halves:
    h.join()
for s in (mine, theirs, client, inside, more, more_there):
    s.close()

# ---- floods (SECURITY F7)
SYN_RATE, SYN_SECONDS, BULK_MIB, BACK_S = (int(os.environ.get(n, d)) for n, d in
                                           (("SYN_RATE", "20000"), ("SYN_SECONDS", "2"), ("BULK_MIB", "512"), ("BACK_S", "1")))


def lives(s, ends, got):
    """Blocks to an echo and back until the flood is over: how many bytes came back as they were, or what went wrong."""
    block = pattern(100, 64 << 10)
    try:
        while not ends.wait(0.005):     # the CPU is the flood's
            s.sendall(block)
            back = b""
            while len(back) < len(block) and (part := s.recv(len(block) - len(back))):
                back += part
            if back != block:
                raise OSError(f"other bytes after {got[s]}")
            got[s] += len(block)
    except OSError as e:
        got[s] = str(e)


def under_flood(ns, source, to, port, held, call):
    """Beside a flood: what came of the connections that were there, the most memory and files of the gateway, what `call` says."""
    ends, got, most, told = threading.Event(), dict.fromkeys(held, 0), (0, 0), None
    threads = [threading.Thread(target=lives, args=(s, ends, got)) for s in held]
    for thread in threads:
        thread.start()
    flood = start(ns, os.environ["SYN_FLOOD"], source, to, str(port), str(SYN_RATE), str(SYN_RATE * SYN_SECONDS))
    while told is None or flood.poll() is None:
        told = max(told or 0, call())
        most = tuple(map(max, most, (pss_mib(gated), files(gated))))
        time.sleep(0.1)     # a client's port is free again after a minute
    ends.set()
    for thread in threads:
        thread.join()
    print("#", flood.stdout.read().strip())
    return list(got.values()), most, told


held, before = [connect(far, HERE[V4], served), connect(a, FAR[V4], 7)], (pss_mib(gated), files(gated))
got, most, longest = under_flood(far, "10.20.0.0", HERE[V4], served, held, lambda: asks(far, HERE[V4], served, 10))
t.ok("SYNs of nobody at a published port: it serves, open connections lose no byte, in flat memory",
     all(isinstance(n, int) and n > 0 for n in got) and most[0] - before[0] < 8 and most[1] - before[1] < 64, (got, before, most))
print(f"# the longest connection took {longest * 1000:.0f} ms; {got} bytes; {before} -> {most}")
before = pss_mib(gated), files(gated)
got, most, longest = under_flood(a, A[V4], "10.20.0.0", 80, held, lambda: max(asks(b, FAR[V4], 7, 5), asks(c, FAR[V4], 7, 5), asks(far, HERE[V4], served, 5)))
# As many handshakes as one container may have in hand (tcp.c).
t.ok("SYNs from a container to nobody: its connection, its neighbours and the ports go on, in bounded memory",
     all(isinstance(n, int) and n > 0 for n in got) and most[0] - before[0] < 16 and most[1] - before[1] <= 1024 + 64, (got, before, most))
print(f"# the longest connection took {longest * 1000:.0f} ms; {got} bytes; {before} -> {most}")
begin = time.monotonic()
t.ok("... it can open others, as soon as old ones had their time", asks(a, FAR[V4], 7, 1) < LIMIT)
print(f"# after {time.monotonic() - begin:.1f} s")
for s in held:
    s.close()

# ---- name servers
def is_back():
    return within(lambda: dig(a, f"n{time.monotonic_ns()}.example") == "NOERROR")


t.is_("a name of the world", dig(a, "www.example"), "NOERROR")
sh("ip route add blackhole 192.0.2.53", router)
begin = time.monotonic()
t.is_("a silent name server: own names are answered meanwhile, then it is said", order(a, "one.example", "b"), [("b", 0), ("one.example", 2)])
took = time.monotonic() - begin
t.is_("... the next question does not wait for it", order(a, "two.example", "b"), [("two.example", 2), ("b", 0)])
sh("ip route del blackhole 192.0.2.53", router)
t.ok("... it is back, and asked again", is_back())
world.kill()
world.wait()
begin = time.monotonic()
t.is_("a dead one: said, for UDP and TCP", (dig(a, "three.example"), dig(a, "four.example", "+tcp")), ("SERVFAIL", "SERVFAIL"))
t.is_("... and from then on at once", order(a, "five.example", "b"), [("five.example", 2), ("b", 0)])
print(f"# silent: {took:.2f} s; dead: {time.monotonic() - begin:.2f} s for three")
world = start(far, "python3", f"{HOME}/gate_world.py", "/run/world.log", until="ready")
t.ok("... it is back, and asked again", is_back())

# ---- gated is killed in the middle of transfers of another network
data = pattern(9, BULK_MIB * MIB // 8)
want = hashlib.sha256(data * 8).hexdigest()
mine, theirs = pair(c, far, V4)
down, down_there = pair(c, far, V6)
own, own_there = pair(a, far, V4)
halves = [sends(mine, data * 8), sends(down_there, data * 8)]
got = {}
readers = [threading.Thread(target=finish, args=(what, s)) for what, s in (("up", theirs), ("down", down))]
for thread in readers:
    thread.start()
killed, back, old = 0, [], netd.gateways()
while killed < 3:
    os.kill(within(lambda: netd.gateways().get("lab")), signal.SIGKILL)
    killed += all(thread.is_alive() for thread in readers)
    back.append(asks(far, HERE[V4], served, 1))
    if not any(thread.is_alive() for thread in readers):
        break
for thread in readers + halves:
    thread.join()
t.ok(f"gated of lab is killed {killed} times in the middle of transfers of the other network: those are whole", killed >= 3 and
     all(got[what][0] == (BULK_MIB * MIB, want) for what in ("up", "down")), (killed, got))
# The quickest of them: who dies again and again is started later each time (keeper.h), and a busy machine holds one up.
t.ok(f"... its own published port was back within {BACK_S} s", min(back) < BACK_S, back)
print(f"# {back}")
t.is_("... the other gateway is the same", netd.gateways()["two"], old["two"])
told = error_of(lambda: own.sendall(b"x" * MIB) or own.recv(1))
t.like("... a connection of lab was reset, not left to hang", told, "ECONNRESET|EPIPE")
t.is_("... new ones go out", asks(a, FAR[V4], 7, 3) < LIMIT, True)

# ---- netd is killed in the middle of transfers
mine, theirs = pair(c, far, V4)
half = sends(mine, data)
theirs.recv(MIB)
netd.end(signal.SIGKILL)
t.ok("netd is killed: gateways and devices go", within(lambda: not netd.gateways() and all(n.devices() == ["lo"] for n in (a, b, c))))
t.like("... the other side of a transfer is told", error_of(lambda: [0 for _ in iter(lambda: theirs.recv(MIB), b"")]), "ECONNRESET|none")
mine.close()
half.join()
netd = Netd()
lab(netd, a, b)
t.is_("... started again and told anew: the same port", netd.ask("publish", "lab", "echo", "tcp", "-", served, 7, "b"), f"done echo {served}")
t.ok("... in, out, names", asks(far, HERE[V4], served, 3) < LIMIT and asks(a, FAR[V6], 7, 3) < LIMIT and dig(a, "b") == "NOERROR")
t.is_("netd ends", netd.end(), 0)
t.ok("nothing was killed by its jail", "SIGSYS" not in netd.log() and "signal 31" not in netd.log(), netd.log())
t.end()
