"""netlib - namespaces as containers, netd, and requests to it: what the stories about networks share."""
import ctypes
import errno
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

LIMIT = 60  # seconds until an event that never comes is a failure
NETCTL, NETD, SOCKET, LOG = "/run/netctl", "/usr/lib/cuvette/netd", "/run/netd.sock", "/run/log"
V4, V6, TCP, UDP = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
OWN = os.open("/proc/self/ns/net", os.O_RDONLY)


class Tap:
    def __init__(self, name):
        self.name, self.count, self.failed = name, 0, 0

    def ok(self, what, good, why=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {self.name}: {what}", flush=True)
        if not good:
            print("".join(f"# {line}\n" for line in str(why).splitlines()[-30:]), end="", flush=True)

    def is_(self, what, got, want):
        self.ok(what, got == want, f"got {got!r}\nwant {want!r}")

    def like(self, what, got, pattern):
        self.ok(what, re.search(pattern, got), f"got {got!r}\nwant {pattern}")

    def end(self):
        print(f"1..{self.count}")
        sys.exit(self.failed > 0)


def within(condition, seconds=LIMIT):
    """True as soon as the condition is; what it returned when it never was."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.005)


class Namespace:
    """A network namespace, like a container's in a user namespace of its own."""

    def __init__(self, user=True):
        words = ["--user", "--map-root-user"] if user else []
        self.process = subprocess.Popen(["unshare", *words, "--net", "sh", "-c", "ip link set lo up; echo; exec sleep 3600"],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.pid = self.process.pid
        self.path = f"/proc/{self.pid}/ns/net"
        self.fd = os.open(self.path, os.O_RDONLY)

    def __enter__(self):
        os.setns(self.fd, os.CLONE_NEWNET)

    def __exit__(self, *_):
        os.setns(OWN, os.CLONE_NEWNET)

    def open(self, *words):
        with self:
            s = socket.socket(*words)
        s.settimeout(LIMIT)
        return s

    def listen(self, port, family=socket.AF_INET):
        s = self.open(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", port))
        s.listen(64)
        return s

    def ip(self, *words):
        with self:
            done = subprocess.run(["ip", *words], capture_output=True, text=True)
        return done.stdout + done.stderr

    def devices(self):
        with self:
            return sorted(name for _, name in socket.if_nameindex())

    def tables(self):
        """All that an attacker would like to change."""
        return {what: self.ip(*what.split()) for what in
                ("addr", "-4 neigh", "-6 neigh", "-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule")}

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


class Netd:
    def __init__(self):
        self.log_at = os.path.getsize(LOG) if os.path.exists(LOG) else 0
        self.process = subprocess.Popen([NETCTL, "serve", SOCKET, NETD], stdout=subprocess.PIPE, stderr=open(LOG, "a"))
        os.chmod(LOG, 0o666)    # a plain gateway's too, which is nobody
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid
        self.talk = subprocess.Popen([NETCTL, "talk", SOCKET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.took_us = 0

    def ask(self, *words):
        """The answer's words, without the time that it took."""
        self.talk.stdin.write(" ".join(f'"{w}"' if " " in str(w) or w == "" else str(w) for w in words) + "\n")
        self.talk.stdin.flush()
        lines = []
        while not lines or lines[-1].startswith(("network ", "member ", "port ")):
            lines.append(self.talk.stdout.readline().rstrip("\n"))
        answer, _, took = lines.pop().rpartition(" us=")
        self.took_us = int(took or 0)
        return "\n".join([*lines, answer])

    def log(self):
        with open(LOG, errors="replace") as f:
            f.seek(self.log_at)
            return f.read()

    def gateways(self):
        """network -> pid of its gateway"""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                name = open(f"/proc/{pid}/comm").read().strip()
                words = open(f"/proc/{pid}/cmdline").read().split("\0")
            except OSError:
                continue
            if name == "gated" and len(words) > 1:		# its carriers have its words, who is ending none
                found[words[1]] = int(pid)
        return found

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(LIMIT)
        self.talk.stdin.close()
        self.talk.wait(LIMIT)
        return status


PIDFD_GETFD, LIBC = 438, ctypes.CDLL(None)  # pidfd_getfd(2), which Python does not have


def fds_of(pid):
    """Copies of what a process has open, each for the caller to close; what it closes meanwhile is left out."""
    pidfd = os.pidfd_open(pid)
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            fd = LIBC.syscall(PIDFD_GETFD, pidfd, int(number), 0)
            if fd >= 0:
                yield fd
    finally:
        os.close(pidfd)


def sockets_of(pid):
    for fd in fds_of(pid):
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            yield socket.socket(fileno=fd)
        else:
            os.close(fd)


def resolvers(*addresses):
    with open("/run/net/resolv.conf", "w") as f:
        f.write("search cuvette.test\n" + "".join(f"nameserver {a}\n" for a in addresses))


def error_of(call):
    try:
        call()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
    return "none"


def hello(client, server, address, family=V4):
    """What the server sees of a client that connects to it and says hello; the answer arrives."""
    with server.listen(8000, family) as listening, client.open(family, TCP) as s:
        s.connect((address, 8000))
        other, peer = listening.accept()
        with other:
            s.sendall(b"hello")
            assert other.recv(5) == b"hello"
            other.sendall(b"world")
            assert s.recv(5) == b"world"
    return peer[0]


def outside():
    """A neighbour of this machine: 10.9.0.2 and fd09::2 on a link of its own."""
    ns = Namespace(user=False)
    for words in (f"link add out0 type veth peer name eth0 netns {ns.pid}", "addr add 10.9.0.1/24 dev out0",
                  "addr add fd09::1/64 dev out0 nodad", "link set out0 up"):
        subprocess.run(["ip", *words.split()], check=True)
    for words in ("addr add 10.9.0.2/24 dev eth0", "addr add fd09::2/64 dev eth0 nodad", "link set eth0 up"):
        ns.ip(*words.split())
    return ns


def outside_with_names(serve):
    """outside() with the machine's name server in it, 10.9.0.53: serve(socket) answers there."""
    ns = outside()
    ns.ip("addr", "add", "10.9.0.53/24", "dev", "eth0")
    s = ns.open(V4, UDP)
    s.settimeout(None)
    s.bind(("10.9.0.53", 53))
    threading.Thread(target=serve, args=(s,), daemon=True).start()
    resolvers("10.9.0.53")
    return ns
