"""farlib - a world behind a router, a network "lab" with two containers, and bytes that go both ways through all of it.

    a 172.18.0.2, fd18::2 \\                            eth0      eth1
                           gated -- this machine ------ router ------ far
    b 172.18.0.3, fd18::3 /    10.9.0.1, fd09::1   .254, ::254     10.8.0.2, fd08::2

The router can lose what it shall carry; far is where peers live.
"""
import hashlib
import os
import resource
import selectors
import socket
import subprocess

from netlib import LIMIT, TCP, V4, V6, Namespace, Netd, within

FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
FAR = {V4: "10.8.0.2", V6: "fd08::2"}
HERE = {V4: "10.9.0.1", V6: "fd09::1"}
A = {V4: "172.18.0.2", V6: "fd18::2"}
GATEWAY = {V4: "172.18.0.1", V6: "fd18::1"}
IP = {V4: "IPv4", V6: "IPv6"}


def sh(words, ns=None):
    if ns:
        with ns:
            return sh(words)
    return subprocess.run(["sh", "-ec", words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def far_world():
    router, far = Namespace(user=False), Namespace(user=False)
    for ns in (None, router, far):      # addresses are there at once
        sh("sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0", ns)
    sh(f"""ip link add out0 type veth peer name eth0 netns {router.pid}
        ip addr add 10.9.0.1/24 dev out0; ip addr add fd09::1/64 dev out0 nodad; ip link set out0 up""")
    sh(f"""sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.keep_addr_on_down=1
        ip link add eth1 type veth peer name eth0 netns {far.pid}
        ip addr add 10.9.0.254/24 dev eth0; ip addr add fd09::254/64 dev eth0 nodad; ip link set eth0 up
        ip addr add 10.8.0.1/24 dev eth1; ip addr add fd08::1/64 dev eth1 nodad; ip link set eth1 up""", router)
    sh("""ip addr add 10.8.0.2/24 dev eth0; ip addr add fd08::2/64 dev eth0 nodad; ip link set eth0 up
        ip route add default via 10.8.0.1; ip route add default via fd08::1""", far)
    sh("ip route add default via 10.9.0.254; ip route add default via fd09::254")
    return router, far


def lab(netd, *containers):
    netd.ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "fd18::/64", "fd18::1")
    for last, ns in enumerate(containers, 2):
        name = "ab"[last - 2]
        said = netd.ask("attach", "lab", name, ns.path, f"172.18.0.{last}", f"fd18::{last}", f"name={name}")
        assert said == "done lab", said


def published(netd, key, protocol, container_port, name, network="lab"):
    said = netd.ask("publish", network, key, protocol, "-", 0, container_port, name)
    assert said.startswith("done"), said
    return int(said.split()[-1])


def published_both(netd, key, container_port, name, network="lab"):
    """By one number for TCP and UDP: one that is free for the first may be a flow's of the second."""
    while True:
        port = published(netd, f"{key}-udp", "udp", container_port, name, network)
        said = netd.ask("publish", network, key, "tcp", "-", port, container_port, name)
        if said.startswith("done"):
            return port
        assert "in use already" in said, said
        netd.ask("withdraw", network, f"{key}-udp")


def pss_mib(pid):
    """Its part of what is in memory, kernel's not counted."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) / 1024


def connect(ns, address, port, **options):
    s = ns.open(V6 if ":" in address else V4, TCP)
    for key, value in options.items():
        s.setsockopt(socket.IPPROTO_TCP, getattr(socket, key), value)
    s.connect((address, port))
    return s


def pair(client, server, family, to=None, port=0):
    """Both ends of a connection: of `client` to a listener in `server`, which is reached at `to` (ADDRESS, PORT)."""
    with server.listen(port, family) as listening:
        mine = connect(client, *(to or (FAR[family], listening.getsockname()[1])))
        theirs, _ = listening.accept()
    theirs.settimeout(LIMIT)
    return mine, theirs


def read_all(s):
    h, n = hashlib.sha256(), 0
    while data := s.recv(1 << 20):
        h.update(data)
        n += len(data)
    return n, h.hexdigest()


def pattern(number, size):
    """Bytes of which no other number has the same, and no piece of them stands twice."""
    return hashlib.shake_128(b"%d" % number).digest(size)


def echo_many(ends, size):
    """Each of the sockets says its own `size` bytes to an echo and hears them again, all at once. What was wrong."""
    wrong, heard, said = [], {s: 0 for s in ends}, {s: 0 for s in ends}
    want = {s: pattern(i, size) for i, s in enumerate(ends)}
    with selectors.DefaultSelector() as all_:
        for s in ends:
            s.setblocking(False)
            all_.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while all_.get_map():
            ready = all_.select(LIMIT)
            if not ready:
                return wrong + [f"{len(all_.get_map())} of {len(ends)} hear nothing more"]
            for key, events in ready:
                s = key.fileobj
                try:
                    if events & selectors.EVENT_WRITE:
                        said[s] += s.send(want[s][said[s]:])
                        if said[s] == size:
                            s.shutdown(socket.SHUT_WR)
                            all_.modify(s, selectors.EVENT_READ)
                    if events & selectors.EVENT_READ:
                        data = s.recv(1 << 18)
                        if data != want[s][heard[s]:heard[s] + len(data)]:
                            wrong.append(f"other bytes after {heard[s]}")
                        heard[s] += len(data)
                        if not data:
                            all_.unregister(s)
                except BlockingIOError:
                    continue
                except OSError as e:
                    wrong.append(f"{e} after {heard[s]}")
                    all_.unregister(s)
    return wrong + [f"ended after {n}" for n in heard.values() if n != size]


def connect_many(ns, address, port, count, at_once=500):
    """So many connections, some at a time; all of them, or an assertion."""
    ends, family = [], V6 if ":" in address else V4
    with selectors.DefaultSelector() as all_:
        while len(ends) < count or all_.get_map():
            with ns:
                for _ in range(min(at_once - len(all_.get_map()), count - len(ends))):
                    s = socket.socket(family, TCP)
                    s.setblocking(False)
                    s.connect_ex((address, port))
                    ends.append(s)
                    all_.register(s, selectors.EVENT_WRITE)
            ready = all_.select(LIMIT)
            assert ready, f"{len(all_.get_map())} of {len(ends)} are not connected"
            for key, _ in ready:
                error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                assert not error, os.strerror(error)
                all_.unregister(key.fileobj)
    return ends


ECHO = """
import selectors, socket, sys
all_, port = selectors.DefaultSelector(), int(sys.argv[1])
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
u.bind(("::", port))
t = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
t.setblocking(False)

def take():
    c, _ = t.accept()
    c.setblocking(False)
    state = [b"", False]
    all_.register(c, selectors.EVENT_READ, lambda: go_on(c, state))

def go_on(c, state):
    try:
        if not state[0] and not state[1]:
            state[0] = c.recv(1 << 17)
            state[1] = not state[0]
        if state[0]:
            state[0] = state[0][c.send(state[0]):]
    except BlockingIOError:
        pass
    except OSError:
        state[:] = b"", True
    if state[1] and not state[0]:
        all_.unregister(c)
        c.close()
        return
    want = selectors.EVENT_WRITE if state[0] else selectors.EVENT_READ
    if all_.get_key(c).events != want:
        all_.modify(c, want, lambda: go_on(c, state))

def answer():
    data, told, _, who = u.recvmsg(70000, 100)
    u.sendmsg([data], told, 0, who)     # as the address that was asked

all_.register(u, selectors.EVENT_READ, answer)
all_.register(t, selectors.EVENT_READ, take)
print("up", flush=True)
while True:
    for key, _ in all_.select():
        key.data()
"""


def start(ns, *words, until=None):
    """A program in a namespace; with `until` after it has printed a line with that."""
    with ns:
        p = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    while until:
        line = p.stdout.readline()
        assert line, f"{words[0]} ended"
        if until in line:
            break
    return p


def echo(ns, port=7):
    """TCP and UDP, both families, any number of connections."""
    return start(ns, "python3", "-c", ECHO, str(port), until="up")


__all__ = [name for name in dir() if not name.startswith("_")]
