"""stack.py CASE [ARGUMENT] - both ends of a connection through the gateway, for stack.sh.

The container's sockets are made inside its namespace C; the server's on this side."""
import ctypes
import errno
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
HERE = os.open("/proc/self/ns/net", os.O_RDONLY)
THERE = os.open("/run/netns/C", os.O_RDONLY)
OUTSIDE = {4: "198.51.100.1", 6: "2001:db8::1"}
GATEWAY = {4: "10.77.0.1", 6: "fd77::1"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
SYNS = int(os.environ.get("SYNS", "20000"))     # a multiple of 200
RESET_NOW = struct.pack("ii", 1, 0)


def container_socket(family=4):
    LIBC.setns(THERE, 0)
    try:
        s = socket.socket(FAMILY[family], socket.SOCK_STREAM)
    finally:
        LIBC.setns(HERE, 0)
    s.settimeout(20)
    return s


def listener(family=4):
    s = socket.socket(FAMILY[family], socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((OUTSIDE[family], 0))
    s.listen(1024)
    s.settimeout(20)
    return s


def pair(family=4):
    server = listener(family)
    inside = container_socket(family)
    inside.connect((OUTSIDE[family], server.getsockname()[1]))
    outside, _ = server.accept()
    outside.settimeout(20)
    return inside, outside


def read_all(s):
    h, n = hashlib.sha256(), 0
    while part := s.recv(1 << 20):
        h.update(part)
        n += len(part)
    return h.hexdigest(), n


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmRSS")) // 1024


def duplex(family):
    inside, outside = pair(int(family))
    data = {s: os.urandom(1 << 16) for s in (inside, outside)}
    got = {}

    def send(s):
        for i in range(1024):
            s.sendall(data[s][i % 977:] + data[s][:i % 977])
        s.shutdown(socket.SHUT_WR)

    def want(s):
        h = hashlib.sha256()
        for i in range(1024):
            h.update(data[s][i % 977:] + data[s][:i % 977])
        return h.hexdigest(), 1 << 26

    def receive(s):
        got[s] = read_all(s)
    threads = [threading.Thread(target=f, args=(s,)) for s in (inside, outside) for f in (send, receive)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert got[inside] == want(outside), (got[inside], want(outside))
    assert got[outside] == want(inside), got[outside]


def refused(family):
    family = int(family)
    begun = time.monotonic()
    try:
        container_socket(family).connect((OUTSIDE[family], 9))
    except ConnectionRefusedError:
        assert time.monotonic() - begun < 10
        return
    raise AssertionError("connected")


def halves(family):
    for first in (0, 1):
        ends = pair(int(family))
        a, b = ends[first], ends[1 - first]
        a.sendall(b"question")
        a.shutdown(socket.SHUT_WR)
        assert read_all(b)[1] == 8
        for _ in range(10):
            b.sendall(b"x" * 100000)
        b.shutdown(socket.SHUT_WR)
        assert read_all(a)[1] == 1000000
        a.close()
        b.close()


def resets(family):
    for first in (0, 1):
        ends = pair(int(family))
        a, b = ends[first], ends[1 - first]
        a.sendall(b"x")
        assert b.recv(1) == b"x"
        a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_NOW)
        a.close()
        try:
            b.recv(1)
        except ConnectionResetError:
            continue
        raise AssertionError("an ordinary end")


def served(family):
    family = int(family)
    s = container_socket(family)
    s.connect((GATEWAY[family], 7))
    for size in (1, 1000, 30000):
        s.sendall(b"e" * size)
        left = size
        while left > 0:
            part = s.recv(left)
            assert part and set(part) == {ord("e")}
            left -= len(part)
    s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b""


def unreachable():
    for address, want in (("203.0.113.5", errno.EHOSTUNREACH), ("203.0.114.5", errno.EHOSTUNREACH)):
        begun = time.monotonic()
        try:
            container_socket().connect((address, 80))
        except OSError as e:
            assert e.errno in (want, errno.ENETUNREACH), e
            assert time.monotonic() - begun < 10
            continue
        raise AssertionError("connected")


def fill(s):
    """Sends until nothing more is taken for a while."""
    s.setblocking(False)
    total, still = 0, 0
    while still < 20:
        try:
            total += s.send(b"p" * 65536)
            still = 0
        except BlockingIOError:
            still += 1
            time.sleep(0.02)
    s.settimeout(20)
    s.shutdown(socket.SHUT_WR)
    return total


def stopped_and_going_on(sender, receiver, pid):
    before = rss_mib(pid)
    total = fill(sender)
    assert total < 64 << 20, total
    assert rss_mib(pid) - before < 32, (before, rss_mib(pid))
    got = read_all(receiver)[1]
    assert got == total, (got, total)


def pressure(pid):
    inside, outside = pair()
    stopped_and_going_on(inside, outside, pid)


def pressure_in(pid):
    inside, outside = pair()
    stopped_and_going_on(outside, inside, pid)


def unread(pid):
    """what nobody reads stops itself, and not what another program of the container reads"""
    before, unread_ones = rss_mib(pid), [pair() for _ in range(8)]
    totals = [fill(outside) for _, outside in unread_ones]
    inside, outside = pair()
    inside.settimeout(60)
    for word in (b"some", b"more"):
        outside.sendall(word)
        assert inside.recv(4, socket.MSG_WAITALL) == word
        inside.sendall(word[::-1])
        assert outside.recv(4, socket.MSG_WAITALL) == word[::-1]
    assert rss_mib(pid) - before < 32, (before, rss_mib(pid))
    for (receiver, _), total in zip(unread_ones, totals):
        got = read_all(receiver)[1]
        assert got == total, (got, total)


def many(pid):
    server, inside = listener(), []
    outside = []
    where = (OUTSIDE[4], server.getsockname()[1])
    for i in range(1000):
        s = container_socket()
        s.connect(where)
        inside.append(s)
        s.sendall(b"%04d" % i)
        outside.append(server.accept()[0])
    for s in outside:
        s.sendall(s.recv(4, socket.MSG_WAITALL)[::-1])
    for i, s in enumerate(inside):
        assert s.recv(4, socket.MSG_WAITALL) == (b"%04d" % i)[::-1]
    assert rss_mib(pid) < 80, rss_mib(pid)


def flood(pid):
    inside, outside = pair()
    data, got, before, files = os.urandom(1 << 22), [], rss_mib(pid), len(os.listdir(f"/proc/{pid}/fd"))
    LIBC.setns(THERE, 0)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    LIBC.setns(HERE, 0)
    reader = threading.Thread(target=lambda: got.append(read_all(outside)))
    reader.start()
    for i in range(SYNS):
        # From a port each to a place each; the kernel fills in length and checksum (raw(7)), the gateway asks for no other.
        ends = socket.inet_aton("10.77.0.2") + socket.inet_aton(f"192.0.2.{1 + i % 251}")
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0x4000, 64, socket.IPPROTO_TCP, 0) + ends
        raw.sendto(ip + struct.pack(">HHIIBBHHH", 1024 + i % 64000, 80, i, 0, 0x50, 2, 65535, 0, 0), ("192.0.2.1", 0))
        if i % (SYNS // 200) == 0:
            inside.sendall(data)
    inside.shutdown(socket.SHUT_WR)
    reader.join(60 + SYNS // 10000)
    h = hashlib.sha256()
    for _ in range(200):
        h.update(data)
    assert got == [(h.hexdigest(), 200 << 22)], got
    # As many handshakes as one container may have in hand.
    assert len(os.listdir(f"/proc/{pid}/fd")) - files < 1040, files
    assert rss_mib(pid) - before < 16, (before, rss_mib(pid))


def vanish(pid):
    there = os.open("/run/netns/P", os.O_RDONLY)
    LIBC.setns(there, 0)
    server = socket.create_server(("198.51.101.2", 0), backlog=1024)
    LIBC.setns(HERE, 0)
    inside, outside = pair()
    before, ends = rss_mib(pid), []
    for _ in range(200):
        s = container_socket()
        s.connect(("198.51.101.2", server.getsockname()[1]))
        ends += [s, server.accept()[0]]
    subprocess.run(["ip", "-n", "P", "link", "set", "eth0", "down"], check=True)
    for s in ends[::2]:
        s.setblocking(False)
    for _ in range(40):
        for s in ends[::2]:
            try:
                s.send(b"v" * 65536)
            except BlockingIOError:
                pass
    grown = rss_mib(pid) - before
    assert grown < 32, grown
    data, got = os.urandom(1 << 24), []
    reader = threading.Thread(target=lambda: got.append(read_all(outside)))
    reader.start()
    inside.sendall(data)
    for s in ends[::2]:
        s.close()
    inside.sendall(data)
    inside.shutdown(socket.SHUT_WR)
    reader.join(60)
    assert got == [(hashlib.sha256(data * 2).hexdigest(), 2 << 24)], got
    assert rss_mib(pid) - before < 32, (before, rss_mib(pid))


def connect_from(port, where):
    """As soon as the container's own kernel has seen the last of the connection before."""
    deadline = time.monotonic() + 60
    while True:
        s = container_socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("10.77.0.2", port))
            s.connect(where)
            return s
        except OSError as e:
            s.close()
            if e.errno not in (errno.EADDRNOTAVAIL, errno.EADDRINUSE) or time.monotonic() > deadline:
                raise
        time.sleep(0.005)


def again():
    server = listener()
    begun = time.monotonic()
    for _ in range(20):
        # Below the kernel's own choice (ip_local_port_range): a connection of an earlier case may have had it.
        s = connect_from(20678, (OUTSIDE[4], server.getsockname()[1]))
        o, _ = server.accept()
        # Who closes first waits for old segments: here the gateway does, and takes the SYN all the same.
        o.close()
        assert s.recv(1) == b""
        s.close()
    assert time.monotonic() - begun < 30


def late():
    inside, outside = pair()
    outside.sendall(b"answer")
    outside.close()
    assert read_all(inside)[1] == 6
    time.sleep(0.2)
    inside.close()


def sleeper():
    """Reads nothing for longer than lwIP waits for old segments; its own direction is closed already."""
    server = listener()
    inside = container_socket()
    inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    inside.connect((OUTSIDE[4], server.getsockname()[1]))
    outside, _ = server.accept()
    inside.shutdown(socket.SHUT_WR)
    outside.sendall(b"s" * 2000000)
    outside.close()
    time.sleep(4)
    got = read_all(inside)[1]
    assert got == 2000000, got


def rate():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((OUTSIDE[4], 4040))
    server.listen(8)
    for first in (0, 1):
        inside = container_socket()
        inside.connect((OUTSIDE[4], 4040))
        ends = inside, server.accept()[0]
        a, b = ends[first], ends[1 - first]
        b.settimeout(20)
        sender = threading.Thread(target=lambda: (a.sendall(b"r" * 10000000), a.shutdown(socket.SHUT_WR)))
        begun = time.monotonic()
        sender.start()
        assert read_all(b)[1] == 10000000
        mbit = 80 / (time.monotonic() - begun)
        # Never more, however late anybody comes; how much less is the machine's business.
        assert mbit < 50, mbit
        sender.join()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
