"""gate_errors.py - the story of gate_errors.sh. Prints TAP.

Each error is asked for twice: by a socket of the machine itself, to which no gateway is in the way, and by a container's.
"""
import errno
import select
import socket
import struct
import threading
import time

from farlib import (FAR, HERE, IP, LIMIT, V4, V6, Namespace, Netd, connect, echo, far_world, lab, pair, pattern, published, read_all, sh, within)
from netlib import TCP, UDP, Tap

t = Tap("errors")
RESET = struct.pack("ii", 1, 0)
ERRORS = {V4: (socket.IPPROTO_IP, 11), V6: (socket.IPPROTO_IPV6, 25)}           # IP_RECVERR, IPV6_RECVERR
DISCOVER = {V4: (socket.IPPROTO_IP, 10, 2), V6: (socket.IPPROTO_IPV6, 23, 2)}   # IP_MTU_DISCOVER: DO
MTU = {V4: (socket.IPPROTO_IP, 14), V6: (socket.IPPROTO_IPV6, 24)}
NARROW = {V4: "10.8.9.9", V6: "fd08:9::9"}                                      # behind an MTU of 1280
GONE = {V4: "10.8.0.3", V6: "fd08::3"}                                          # that can vanish
NAMES = {0: "connected", None: "silent"}


def opened(ns, family, kind):
    return ns.open(family, kind) if ns else socket.socket(family, kind)


def name(number):
    return NAMES.get(number) or errno.errorcode[number]


def outcome(s, success):
    """0, an error, or None for silence. The kernel queues an ICMP error and wakes who waits before it fails the socket, so that
    POLLERR alone says nothing yet."""
    poll = select.poll()
    poll.register(s, success)
    while events := poll.poll(LIMIT * 1000):
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error or events[0][1] & success:
            return error
    return None


def tries(family, kind, address, port):
    """What a socket of the machine and one of the container are told, by name; both at once."""
    ends = []
    for ns in (None, a):
        s = opened(ns, family, kind)
        s.setblocking(False)
        if kind == TCP:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        else:
            s.setsockopt(*ERRORS[family], 1)
        ends.append(s)
    said = [s.connect_ex((address, port)) for s in ends]
    for i, s in enumerate(ends):
        if kind == UDP and not said[i]:
            try:
                s.send(b"hello")
            except OSError as e:
                said[i] = e.errno
        if said[i] in (0, errno.EINPROGRESS):
            said[i] = outcome(s, select.POLLOUT if kind == TCP else select.POLLIN)
        s.close()
    return tuple(name(n) for n in said)


router, far = far_world()
for last in ("10.8.0.3/24", "10.8.9.9/32", "fd08::3/64 nodad", "fd08:9::9/128 nodad"):
    far.ip("addr", "add", *last.split(), "dev", "eth0")
sh("ip route add unreachable 10.6.0.0/24; ip route add unreachable fd06::/64")
# No way: nobody there is who would carry it on. Of what a route forbids, the kernel tells five, and then one a second.
sh("""sysctl -qw net.ipv4.neigh.eth1.retrans_time_ms=100 net.ipv6.neigh.eth1.retrans_time_ms=100
    ip route add 10.7.0.0/24 via 10.8.0.99; ip route add fd07::/64 via fd08::99
    ip route add prohibit 10.7.1.0/24; ip route add prohibit fd07:1::/64
    ip route add blackhole 10.7.2.0/24; ip route add blackhole fd07:2::/64
    ip route add 10.8.9.9/32 via 10.8.0.2 mtu lock 1280; ip route add fd08:9::9/128 via fd08::2 mtu lock 1280""", router)
# So that a peer that is gone is noticed while the story runs.
sh("sysctl -qw net.ipv4.tcp_keepalive_probes=3")
# Not icmp_ratelimit, which takes what an unreachable route may say away, too.
for ns in (router, far):
    sh("sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratelimit=0", ns)
a, b = Namespace(), Namespace()
netd = Netd()
lab(netd, a, b)
echo(far)
port = published(netd, "p", "tcp", 4000, "b")
gated = within(lambda: netd.gateways().get("lab"))

# ---- connections that do not come about
TOLD = {
    "a closed port": (FAR, 9, {TCP: "ECONNREFUSED", UDP: "ECONNREFUSED"}),
    "no way, says the router": ({V4: "10.7.0.1", V6: "fd07::1"}, 7, {TCP: "EHOSTUNREACH", UDP: "EHOSTUNREACH"}),
    "forbidden, says the router": ({V4: "10.7.1.1", V6: "fd07:1::1"}, 7, {}),
    "no way, knows the machine": ({V4: "10.6.0.1", V6: "fd06::1"}, 7, {TCP: "EHOSTUNREACH", UDP: "EHOSTUNREACH"}),
    "silence": ({V4: "10.7.2.1", V6: "fd07:2::1"}, 7, {TCP: "ETIMEDOUT"}),
}
for what, (address, where, want) in TOLD.items():
    for family in (V4, V6):
        for kind in (TCP, UDP):
            if what == "silence" and kind == UDP:
                continue
            begin = time.monotonic()
            direct, told = tries(family, kind, address[family], where)
            took = time.monotonic() - begin
            t.ok(f"{IP[family]}, {kind.name}: {what}: {told}, as without us", told == direct and told != "connected" and told == want.get(kind, told)
                 and took < LIMIT, f"the machine: {direct}, the container: {told}, {took:.1f} s")

# ---- an internal network leads nowhere, and says so to whoever is bound to it
netd.ask("create", "inner", "172.20.0.0/16", "172.20.0.1", "fd20::/64", "fd20::1", "internal")
said = netd.ask("attach", "inner", "a", a.path, "172.20.0.2", "fd20::2", "if=eth1", "more")
assert said == "done inner", said
INNER = {V4: "172.20.0.2", V6: "fd20::2"}


def bound(family, kind, how, protocol=0):
    s = a.open(family, kind, protocol)
    if how != "its address":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth1")
    if how != "its device":
        s.bind((INNER[family], 0))
    s.setblocking(False)
    return s


def forbidden(family, kind, how):
    """What is told of the first word of a socket; a datagram's is not connected."""
    with bound(family, kind, how) as s:
        try:
            if kind == TCP:
                said = s.connect_ex((FAR[family], 7))
                return name(outcome(s, select.POLLOUT) if said == errno.EINPROGRESS else said)
            s.setsockopt(*ERRORS[family], 1)
            s.sendto(b"hello", (FAR[family], 7))
            return name(outcome(s, select.POLLIN))
        except OSError as e:
            return name(e.errno)


def forbidden_echo(family, how):
    """Type and code of what comes back, and from whom."""
    four = family == V4
    with bound(family, socket.SOCK_RAW, how, socket.IPPROTO_ICMP if four else socket.IPPROTO_ICMPV6) as s:
        head = struct.pack("!BBHHH", 8 if four else 128, 0, 0xffff - 0x803 if four else 0, 1, 2)
        try:
            s.sendto(head, (FAR[family], 0))
            s.settimeout(LIMIT)
            data, peer = s.recvfrom(2000)
            return (*data[20 if four else 0:][:2], peer[0])
        except OSError as e:
            return name(e.errno)


TOLD = {V4: ("ECONNREFUSED", "EHOSTUNREACH", (3, 13, "172.20.0.1")), V6: ("ECONNREFUSED", "EACCES", (1, 1, "fd20::1"))}
for family in (V4, V6):
    for how in ("its device", "its address", "both"):
        # IPv6's routes say it themselves.
        want = TOLD[family] if (family, how) != (V6, "its device") else ("ENETUNREACH",) * 3
        t.is_(f"{IP[family]}: bound to an internal network by {how}: TCP, UDP and an echo are told that it leads nowhere",
              (forbidden(family, TCP, how), forbidden(family, UDP, how), forbidden_echo(family, how)), want)


def errors_told():
    """That the kernel in there has counted."""
    names, numbers = (line.split() for line in sh("grep ^Icmp: /proc/thread-self/net/snmp", a).splitlines())
    return int(numbers[names.index("InDestUnreachs")])


def refused():
    return int(netd.ask("stats", "inner", "a").split()[3 + 6 + 11])


told, asked, begin = errors_told(), refused(), time.monotonic()
with bound(V4, UDP, "its device") as s:
    while refused() - asked < 20000 and time.monotonic() < begin + LIMIT:
        for _ in range(500):
            try:
                s.sendto(b"hello", (FAR[V4], 7))
            except OSError:         # what was told of earlier ones; or there is no room now
                pass
asked, told, took = refused() - asked, errors_told() - told, time.monotonic() - begin
t.ok("of a flood it is told a thousand times, and a thousand times a second", 1000 <= told < 1100 + 1000 * took < asked, (asked, told, took))
t.is_("... and again afterwards", within(lambda: forbidden(V4, UDP, "its device") == "EHOSTUNREACH"), True)

# ---- too big
for family in (V4, V6):
    head = 28 if family == V4 else 48
    with opened(a, family, UDP) as s:
        for words in (DISCOVER[family], (*ERRORS[family], 1)):
            s.setsockopt(*words)
        s.connect((NARROW[family], 7))
        told = []

        def send(size):
            try:
                s.send(b"x" * size)
            except OSError as e:
                told.append(name(e.errno))
        send(1500 - head + 1)
        send(1500 - head)
        try:
            s.recv(2000)
        except OSError as e:
            told.append(name(e.errno))
        told.append(s.getsockopt(*MTU[family]))
        send(1280 - head + 1)
        send(1280 - head)
        told.append(len(s.recv(2000)))
    t.is_(f"{IP[family]}: a datagram that must not be cut is too big for the link, for the path, and fits", told, ["EMSGSIZE", "EMSGSIZE", 1280, "EMSGSIZE", 1280 - head])
    mine, theirs = pair(a, far, family, port=4001, to=(NARROW[family], 4001))
    data = pattern(1, 10 << 20)
    sender = threading.Thread(target=lambda: (mine.sendall(data), mine.shutdown(socket.SHUT_WR)))
    sender.start()
    n, _ = read_all(theirs)
    sender.join()
    t.is_(f"{IP[family]}: 10 MiB find their way through a path of 1280", n, len(data))

# ---- connections that end
WAYS = [(f"{IP[family]}, {what}", family, client, server, to, number) for family in (V4, V6) for what, client, server, to, number in
        (("out", a, far, None, 0), ("in", far, b, (HERE[family], port), 4000))]


def ends(way):
    _, family, client, server, to, number = way
    return pair(client, server, family, to, number)


def error_while(call):
    """What ends calls again and again."""
    try:
        while call():
            pass
    except OSError as e:
        return name(e.errno) if e.errno else "silent"
    return "ended"


for way in WAYS:
    told = []
    for first in (0, 1):
        for busy in (0, 1):
            pair_ = ends(way)
            one, other = pair_[first], pair_[1 - first]
            sender, reader = (one, other) if busy else (other, one)
            begun = threading.Event()

            def pour():
                told.append(error_while(lambda: sender.send(b"x" * 100000)) if sender is other else "")
            if busy:
                # It has sent, and some of that is on its way still.
                sender.send(b"x" * 3000000)
            else:
                pouring = threading.Thread(target=pour)
                pouring.start()
                reader.recv(100000)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.close()
            if busy:
                told.append(error_while(lambda: other.recv(100000)))
            else:
                pouring.join()
            other.close()
    t.ok(f"{way[0]}: a reset in the middle is one, whoever sends and whoever resets", len(told) == 4 and set(told) <= {"ECONNRESET", "EPIPE"}, told)

for way in WAYS:
    told = []
    for first in (0, 1):
        pair_ = ends(way)
        one, other = pair_[first], pair_[1 - first]
        one.sendall(b"question")
        one.shutdown(socket.SHUT_WR)
        told.append(read_all(other)[0])
        pouring = threading.Thread(target=lambda: (other.sendall(b"y" * 3000000), other.shutdown(socket.SHUT_WR)))
        pouring.start()
        told.append(read_all(one)[0])
        pouring.join()
        one.close()
        other.close()
    t.is_(f"{way[0]}: each end may close first and is still answered", told, [8, 3000000] * 2)

# Without a gateway the byte could be read apart, by who knows of it. Here it keeps its place, as SO_OOBINLINE has it.
for way in WAYS:
    told = []
    for first in (0, 1):
        pair_ = ends(way)
        one, other = pair_[first], pair_[1 - first]
        other.settimeout(LIMIT)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        try:
            for part in (b"abc", b"!", b"def", b"?"):
                one.send(part, socket.MSG_OOB if len(part) == 1 else 0)
                told.append(other.recv(100))
            for part in (b"ghi", b"!", b"?"):
                one.send(part, socket.MSG_OOB if len(part) == 1 else 0)
            one.shutdown(socket.SHUT_WR)
            told.append(b"".join(iter(lambda: other.recv(100), b"")))
        except OSError as e:
            told.append(str(e))
        one.close()
        other.close()
    t.is_(f"{way[0]}: an urgent byte arrives, in its place", told, [b"abc", b"!", b"def", b"?", b"ghi!?"] * 2)


# ---- who vanishes
def timers(ns, words):
    return sh(f"ss -Htno state established {words}", ns)


for family in (V4, V6):
    # The container asks, too, and with the machine's own two hours it is the only one.
    for what, idle_s in (("the machine asks", 1), ("the container asks", 7200)):
        sh(f"sysctl -qw net.ipv4.tcp_keepalive_time={idle_s} net.ipv4.tcp_keepalive_intvl={idle_s}")
        alive, gone = connect(a, FAR[family], 7), connect(a, GONE[family], 7)
        for s in (alive, gone):
            if idle_s == 1:
                continue
            for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
                s.setsockopt(socket.IPPROTO_TCP, option, value)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for s in (alive, gone):
            s.sendall(b"x")
            assert s.recv(1) == b"x"
        sh(f"ip route add blackhole {GONE[family]}", router)
        begin = time.monotonic()
        told = error_while(lambda: gone.recv(1))
        took = time.monotonic() - begin
        sh(f"ip route del blackhole {GONE[family]}", router)
        alive.sendall(b"still")
        t.ok(f"{IP[family]}: {what}: a peer that vanished from an idle connection is noticed, the other connection lives",
             told in ("ECONNRESET", "ETIMEDOUT") and alive.recv(5) == b"still", (told, took))
        print(f"# {told} after {took:.1f} s, with 1 s and 3 probes of 1 s")
    with_client, inside = pair(far, b, family, (HERE[family], port), 4000)
    t.like(f"{IP[family]}: a client of a published port is asked, too", timers(None, f"sport = :{port}"), "keepalive")
    with_client.close()
    inside.close()

t.is_("the gateway is the same one", netd.gateways().get("lab"), gated)
t.is_("netd ends", netd.end(), 0)
t.end()
