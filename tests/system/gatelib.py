"""gatelib - plays netd for a gateway: starts gated, says GATE_* messages, makes containers' sockets.

The numbers of the messages are counted in runtime/wire/, so they cannot drift. A container is a process in a network
namespace of its own, with the rules that netd makes: marked sockets get their answers by loopback.
"""
import contextlib
import ctypes
import errno
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
MARK, IP_TRANSPARENT, IPV6_TRANSPARENT, SO_MARK = 0x43, 19, 75, 36
CLONE_NEWNET = 0x40000000


def filters_of(pid):
    """The seccomp filters that are loaded, each a list of BPF instructions; None: this kernel shows nobody's (ptrace(2))."""
    SEIZE, INTERRUPT, GET_FILTER, DETACH, WALL = 0x4206, 0x4207, 0x420c, 17, 0x40000000
    libc, programs = ctypes.CDLL(None, use_errno=True), []
    libc.ptrace.argtypes, libc.ptrace.restype = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p], ctypes.c_long
    assert libc.ptrace(SEIZE, pid, 0, 0) == 0 and libc.ptrace(INTERRUPT, pid, 0, 0) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(pid, WALL)
    while (count := libc.ptrace(GET_FILTER, pid, len(programs), 0)) > 0:
        text = ctypes.create_string_buffer(8 * count)
        assert libc.ptrace(GET_FILTER, pid, len(programs), ctypes.addressof(text)) == count
        programs.append(list(struct.iter_unpack("=HBBI", text.raw)))
    error = ctypes.get_errno()
    assert libc.ptrace(DETACH, pid, 0, 0) == 0
    # Past the last one there is none; without CONFIG_CHECKPOINT_RESTORE the kernel says EINVAL (linux/seccomp.h).
    assert programs and error == errno.ENOENT or not programs and error == errno.EINVAL, (len(programs), os.strerror(error))
    return programs or None


def may_call(program, number):
    """Whether the filter lets this system call of x86-64 through with some arguments: both ways at what depends on them."""
    ways, seen = [(0, None)], set()
    while ways:
        at, value = ways.pop()
        if (at, value) in seen:
            continue
        seen.add((at, value))
        code, yes, no, k = program[at]
        if code == 0x06:                        # BPF_RET
            if k == 0x7fff0000:                 # SECCOMP_RET_ALLOW
                return True
        elif code == 0x20:                      # BPF_LD: struct seccomp_data
            ways.append((at + 1, {0: number, 4: 0xc000003e}.get(k)))
        elif code == 0x54:                      # BPF_AND
            ways.append((at + 1, None if value is None else value & k))
        elif code == 0x05:                      # BPF_JA
            ways.append((at + 1 + k, value))
        else:
            tests = {0x15: int.__eq__, 0x25: int.__gt__, 0x35: int.__ge__, 0x45: int.__and__}
            taken = {True, False} if value is None else {bool(tests[code](value, k))}
            assert code in tests, hex(code)
            ways += [(at + 1 + (yes if t else no), value) for t in taken]
    return False


def calls_of(pid):
    """The numbers of the system calls that its filters let through; None: this kernel does not show them."""
    programs = filters_of(pid)
    return programs and {n for n in range(1024) if all(may_call(p, n) for p in programs)}


def numbers():
    folder, groups = f"{HERE}/../../runtime/wire", {}
    text = open(f"{folder}/wire.h").read()
    for name in os.listdir(folder):
        source = open(f"{folder}/{name}").read()
        for group, rows in re.findall(r"#define (WIRE_\w+_MESSAGES)\(X\)((?:.*\\\n)+.*)", source):
            groups[group] = re.findall(r"X\((\w+),", rows)
    order = re.search(r"#define WIRE_MESSAGES\(X\)((?:.*\\\n)*.*)", text).group(1)
    names = [name for group in re.findall(r"(WIRE_\w+)\(X\)", order) for name in groups[group]]
    return {name: number for number, name in enumerate(names, 1)}


TYPES = numbers()
NAMES = {number: name for name, number in TYPES.items()}


def message(name, *fields):
    out = struct.pack("=I", TYPES[name])
    for field in fields:
        if isinstance(field, int):
            out += b"\x75" + struct.pack("=Q", field)
        else:
            data = field.encode() + b"\0"
            out += b"\x73" + struct.pack("=I", len(data)) + data
    return out


def read_message(data):
    name, fields, at = NAMES[struct.unpack_from("=I", data)[0]], [], 4
    while at < len(data):
        if data[at] == 0x75:
            fields.append(struct.unpack_from("=Q", data, at + 1)[0])
            at += 9
        else:
            size = struct.unpack_from("=I", data, at + 1)[0]
            fields.append(data[at + 5:at + 4 + size].decode())
            at += 5 + size
    return name, fields


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def sysctl(name, value):
    with open(f"/proc/sys/{name.replace('.', '/')}", "w") as file:
        file.write(str(value))


class Container:
    """serve(container) runs inside, in a process of its own; what it prints is nobody's."""

    def __init__(self, name, address4, address6="", gateways=("172.30.0.1", "fd00:30::1"), serve=None):
        self.name, self.address4, self.address6, self.policy = name, address4, address6, ""
        ready_read, ready_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                # Clients of the story may be open: their end is not ours to delay.
                os.closerange(3, ready_write)
                os.closerange(ready_write + 1, 4096)
                os.unshare(CLONE_NEWNET)
                self.set_up(gateways)
                serve(lambda: os.close(ready_write))
                status = 0
            except BaseException as error:  # pylint: disable=broad-except
                print(f"# container {name}: {error!r}", flush=True)
            os._exit(status)
        os.close(ready_write)
        os.read(ready_read, 1)
        os.close(ready_read)
        self.netns = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def set_up(self, gateways):
        ip("link", "set", "lo", "up")
        ip("link", "add", "eth0", "type", "veth", "peer", "name", "far0")
        ip("link", "set", "eth0", "up")
        ip("link", "set", "far0", "up")
        sysctl("net.ipv4.tcp_fwmark_accept", 1)
        sysctl("net.ipv4.fwmark_reflect", 1)
        sysctl("net.ipv6.fwmark_reflect", 1)
        for family, address, bits, gateway in (("-4", self.address4, 24, gateways[0]), ("-6", self.address6, 64, gateways[1])):
            if not address:
                continue
            ip(family, "address", "add", f"{address}/{bits}", "dev", "eth0", *(["nodad"] if family == "-6" else []))
            ip(family, "route", "add", "default", "via", gateway, "dev", "eth0")
            ip(family, "rule", "add", "fwmark", str(MARK), "lookup", "100", "priority", "100")
            ip(family, "route", "add", "local", "default", "dev", "lo", "table", "100")

    def stop(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.netns)
            self.pid = 0


class Netd:
    """One gateway: keeps what was said, and starts gated again when it ends."""

    def __init__(self, program, mark=MARK, transparent=True, files=65536):
        self.program, self.mark, self.transparent, self.files = program, mark, transparent, files
        self.containers, self.published, self.backends = {}, {}, {}
        self.network = ("net", 0, "172.30.0.0/24", "172.30.0.1", "fd00:30::/64", "fd00:30::1", "", 1500)
        self.counters, self.ready, self.ends = {}, threading.Event(), False
        self.host_netns = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.lock, self.answered, self.restarts = threading.Lock(), threading.Event(), 0
        self.start()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        assert self.ready.wait(60), "gated is not ready"

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)

        def child():
            os.dup2(theirs.fileno(), 3)
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, self.files, hard), min(self.files, hard)))
        self.process = subprocess.Popen([self.program, "net"], preexec_fn=child, pass_fds=(3,), cwd="/",
                                        env={"CUVETTE_FDS": "netd"})
        theirs.close()
        self.control = ours
        self.say("GATE_NETWORK", *self.network)
        for c in self.containers.values():
            self.say_member(c)
        for key in self.published:
            self.say_published(key)

    def run(self):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.control, 65536, 8)
            except OSError:
                data = b""
            if data:
                self.handle(*read_message(data))
                continue
            with self.lock:
                self.control.close()
                self.process.wait()
                if self.ends:
                    return
                self.restarts += 1
                self.start()

    def handle(self, name, fields):
        if name == "GATE_READY":
            self.ready.set()
        elif name == "GATE_WANT":
            self.give_sockets(*fields)
        elif name == "GATE_COUNTERS":
            self.counters[fields[0]] = fields[1:]
            self.answered.set()

    def say(self, name, *fields, fds=()):
        try:
            socket.send_fds(self.control, [message(name, *fields)], fds)
        except (BrokenPipeError, ConnectionResetError):
            pass	# it was killed, and its successor will be told

    def give_sockets(self, name, family, count):
        c = self.containers.get(name)
        if not c:
            return
        made = []
        os.setns(c.netns, CLONE_NEWNET)		# of this thread alone
        try:
            for _ in range(min(count, 64)):
                s = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                if self.transparent:
                    s.setsockopt(*((socket.IPPROTO_IP, IP_TRANSPARENT) if family == socket.AF_INET else (socket.IPPROTO_IPV6, IPV6_TRANSPARENT)), 1)
                    s.setsockopt(socket.SOL_SOCKET, SO_MARK, self.mark)
                made.append(s)
        finally:
            os.setns(self.host_netns, CLONE_NEWNET)
        for at in range(0, len(made), 8):
            self.say("GATE_SOCKETS", name, family, fds=[s.fileno() for s in made[at:at + 8]])
        for s in made:
            s.close()

    def say_member(self, c):
        self.say("GATE_MEMBER", c.name, c.address4, c.address6, c.policy, 0, 1, c.name, 0)

    def say_published(self, key):
        listener, port, balance = self.published[key]
        self.say("GATE_PUBLISH", key, 6, port, balance, fds=[listener.fileno()])
        for name, state in self.backends.get(key, {}).items():
            self.say("GATE_BACKEND", key, name, state)

    def member(self, c):
        with self.lock:
            self.containers[c.name] = c
            self.say_member(c)

    def leave(self, c):
        with self.lock:
            del self.containers[c.name]
            for states in self.backends.values():
                states.pop(c.name, None)
            self.say("GATE_LEAVE", c.name)

    def publish(self, key, host, port, balance=0):
        """Listens on (host, any port), returns the port."""
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, 0))
        listener.listen(4096)
        with self.lock:
            self.published[key] = (listener, port, balance)
            self.say_published(key)
        return listener.getsockname()[1]

    def backend(self, key, c, state=1):
        with self.lock:
            self.backends.setdefault(key, {})[c.name] = state
            self.say("GATE_BACKEND", key, c.name, state)
            if state == 0:
                del self.backends[key][c.name]

    def withdraw(self, key):
        with self.lock:
            self.say("GATE_WITHDRAW", key)
            self.published.pop(key)[0].close()
            self.backends.pop(key, None)

    def stats(self, c):
        self.answered.clear()
        self.say("GATE_STATS", c.name)
        assert self.answered.wait(60), "no counters"
        return self.counters[c.name]

    def kill(self):
        self.ready.clear()
        self.process.kill()

    def end(self):
        self.ends = True
        self.process.kill()
        self.thread.join(60)


# ---- what the process of a gateway costs

def size_of(netd):
    pid = netd.process.pid
    with open(f"/proc/{pid}/smaps_rollup") as file:
        kib = int(next(line for line in file if line.startswith("Rss:")).split()[1])
    return len(os.listdir(f"/proc/{pid}/fd")), kib


def pipes_of(netd):
    folder, count = f"/proc/{netd.process.pid}/fd", 0
    for fd in os.listdir(folder):
        with contextlib.suppress(OSError):
            count += os.readlink(f"{folder}/{fd}").startswith("pipe:")
    return count // 2


def cpu_of(netd):
    with open(f"/proc/{netd.process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
