"""monitor.py BOXMON - plays the stage for boxmon (runtime/box/monitor.h): a process, its pipes or terminal, clients.

Every wait is for an event, with a limit. Prints TAP."""
import errno
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

BOXMON = os.path.abspath(sys.argv[1])
LIMIT = 60  # seconds until an event that never comes is a failure
STDIN, STDOUT, STDERR = 1, 2, 4
ATTACH, RESIZE = 1, 2  # runtime/box/monitor_control.h
FIELD_U64 = b"u"  # runtime/lib/msg.c
count = failed = 0


def ok(name, good, why=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - monitor: {name}", flush=True)
    if not good:
        print("".join(f"# {line}\n" for line in str(why).splitlines()[:12]), end="", flush=True)


class Monitor:
    """One boxmon over one process that runs `command` in a shell."""

    def __init__(self, command, terminal=False, clients=(), feed=False, once=False, log_bytes=1 << 20, output=None, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix="monitor-")
        self.state = os.open(self.folder, os.O_RDONLY)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.control.bind(self.folder + "/control")
        words, fds = [], {5: self.state, 6: self.state, 9: self.control.fileno()}
        if terminal:
            master, slave = pty.openpty()
            fds.update({3: master, 10: master})
            inside = (slave, slave, slave)
            words.append("terminal")
        else:
            out_r, out_w = os.pipe()
            err_r, err_w = os.pipe()
            in_r, in_w = os.pipe()
            fds.update({3: out_r, 4: err_r})
            if feed:
                fds[10] = in_w
            inside = (in_r if feed else os.open("/dev/null", os.O_RDONLY), out_w, err_w)
        if once:
            words.append("input-once")
        if output is not None:
            fds[8] = output
        for i, (streams, end) in enumerate(clients):
            words.append(f"client={streams}")
            fds[11 + i] = end.fileno()
        self.pid = os.fork()
        if self.pid == 0:
            self.become_boxmon(command, terminal, inside, fds, words, log_bytes)
        for fd in set(fds.values()) - {self.state, self.control.fileno()}:
            os.close(fd) if fd not in [c.fileno() for _, c in clients] else None
        for fd in set(inside):
            os.close(fd)
        for _, end in clients:
            end.close()
        wait_until(lambda: open(f"/proc/{self.pid}/comm").read() == "boxmon\n")

    def become_boxmon(self, command, terminal, inside, fds, words, log_bytes):
        ready_r, ready_w = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ready_w)
            os.read(ready_r, 1)  # until the parent is boxmon: exec closes the other end
            os.setsid()
            if terminal:
                fcntl.ioctl(inside[0], termios.TIOCSCTTY, 0)
            for number, fd in enumerate(inside):
                os.dup2(fd, number)
            os.closerange(3, 256)
            os.execv("/bin/sh", ["sh", "-c", command])
        high = {}
        for number, fd in fds.items():
            high[number] = fcntl.fcntl(fd, fcntl.F_DUPFD, 100)
        gate = fcntl.fcntl(ready_w, fcntl.F_DUPFD_CLOEXEC, 200)
        os.closerange(3, 100)
        for number, fd in high.items():
            os.dup2(fd, number)
        os.closerange(100, 200)
        assert gate >= 200
        os.execv(BOXMON, ["boxmon", "t", str(child), str(log_bytes)] + words)

    def send(self, kind, *numbers, fd=None):
        data = struct.pack("<I", kind) + b"".join(FIELD_U64 + struct.pack("<Q", n) for n in numbers)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.connect(self.folder + "/control")
        if fd is None:
            s.send(data)
        else:
            socket.send_fds(s, [data], [fd])
        s.close()

    def attach(self, streams):
        ours, theirs = socket.socketpair()
        self.send(ATTACH, streams, fd=theirs.fileno())
        theirs.close()
        ours.settimeout(LIMIT)
        return ours

    def end(self):
        """boxmon's own end; what it recorded."""
        wait_until(lambda: os.waitpid(self.pid, os.WNOHANG)[0] == self.pid)
        with open(self.folder + "/exit") as f:
            record = dict(line.split() for line in f)
        return int(record["status"])

    def log(self):
        lines = []
        for name in ("log.1", "log"):
            if os.path.exists(f"{self.folder}/{name}"):
                with open(f"{self.folder}/{name}") as f:
                    lines += [json.loads(line) for line in f]
        return lines

    def close(self):
        os.close(self.state)
        self.control.close()
        shutil.rmtree(self.folder)


def wait_until(done):
    end = time.monotonic() + LIMIT
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the event did not come")
        time.sleep(0.005)


def read_all(s):
    data = b""
    while part := s.recv(65536):
        data += part
    return data


def frames(data):
    """{1: stdout, 2: stderr} of Docker's stream format; every byte must be in a frame."""
    out, at = {1: b"", 2: b""}, 0
    while at < len(data):
        stream, zero, size = data[at], data[at + 1:at + 4], struct.unpack(">I", data[at + 4:at + 8])[0]
        assert zero == b"\0\0\0" and len(data) >= at + 8 + size, "a frame is cut"
        out[stream] += data[at + 8:at + 8 + size]
        at += 8 + size
    return out


def private_kib(pid):
    """What each boxmon has for itself: its text is shared with the next one, and dirty while the build's last write waits."""
    with open(f"/proc/{pid}/exe") as f:
        os.fsync(f.fileno())
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_Dirty"))


def pair():
    ours, theirs = socket.socketpair()
    ours.settimeout(LIMIT)
    return ours, theirs




def exits_and_logs():
    m = Monitor("echo out; echo err >&2; exit 7")
    ok("the exit status is recorded", m.end() == 7)
    log = {(line["stream"], line["log"]) for line in m.log()}
    ok("both streams are in the log", log == {("stdout", "out\n"), ("stderr", "err\n")}, log)
    ok("each line has its time", all(line["time"].endswith("Z") for line in m.log()))
    m.close()
    m = Monitor("kill -9 $$")
    ok("an end by a signal is 128 + signal", m.end() == 137)
    m.close()


def several_clients():
    a, a_end = pair()
    m = Monitor("echo first; read go; echo second; echo error >&2", clients=[(STDOUT | STDERR, a_end)], feed=True)
    b = m.attach(STDIN | STDOUT)
    c = m.attach(STDERR)
    b.sendall(b"go\n")
    status = m.end()
    got = [frames(read_all(s)) for s in (a, b, c)]
    ok("a client from the start misses nothing", got[0] == {1: b"first\nsecond\n", 2: b"error\n"}, got[0])
    ok("a client that comes later gets what comes later", got[1][1].endswith(b"second\n") and got[1][2] == b"", got[1])
    ok("a client gets only the streams it asked for", got[2] == {1: b"", 2: b"error\n"}, got[2])
    ok("what a client sends is the input", status == 0)
    m.close()


def input_ends():
    m = Monitor("cat; echo end", feed=True, once=True)
    a = m.attach(STDIN | STDOUT)
    a.sendall(b"x" * 300000)
    a.shutdown(socket.SHUT_WR)
    got = frames(read_all(a))[1]
    ok("the end of sending closes the input", got == b"x" * 300000 + b"end\n", len(got))
    m.end()
    m.close()
    m = Monitor("read a; read b; echo $a$b", feed=True)
    a = m.attach(STDIN)
    a.sendall(b"1\n")
    a.close()
    b = m.attach(STDIN | STDOUT)
    b.sendall(b"2\n")
    ok("without that, the next client goes on", frames(read_all(b))[1] == b"12\n")
    m.end()
    m.close()


def slow_reader():
    deaf, deaf_end = pair()
    keen, keen_end = pair()
    m = Monitor("i=0; while [ $i -lt 40000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done",
                clients=[(STDOUT, deaf_end), (STDOUT, keen_end)], log_bytes=1 << 24)
    got = frames(read_all(keen))[1]
    ok("another client gets every byte beside one that reads nothing", len(got) == 40000 * 41, len(got))
    ok("one that reads nothing does not stop the container", m.end() == 0)
    ok("the log has every line", len(m.log()) == 40000)
    m.close()
    data = frames_prefix(read_all(deaf))
    ok("it was cut off at the end of what it could take", 0 < data < 40000 * 41, data)


def nagging_reader():
    """Of the output's copy: it takes a page each time the container stands, long before that would be given up."""
    ours, theirs = os.pipe()
    m = Monitor("i=0; while [ $i -lt 25000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done", output=theirs)
    stops = taken = 0
    end = time.monotonic() + LIMIT
    while not os.path.exists(m.folder + "/exit") and time.monotonic() < end:
        time.sleep(0.5)
        stops += 1
        taken += len(os.read(ours, 4096))
    print(f"# {stops} stops of half a second, {taken} of {25000 * 41} bytes taken")
    ok("a reader that stalls again and again does not stop the container", os.path.exists(m.folder + "/exit"), f"{stops} stops")
    ok("what it did not take is dropped", 0 < taken < 25000 * 41, taken)
    os.close(ours)
    ok("the end is recorded", m.end() == 0)
    m.close()


def flood():
    """What boxmon has for itself when much has gone through it, by its client, its output and its log."""
    a, a_end = pair()
    m = Monitor("i=0; while [ $i -lt 50000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; read x", feed=True,
                clients=[(STDOUT, a_end)], output=os.open("/dev/null", os.O_WRONLY))
    total = 0
    with a.makefile("rb") as stream:
        while total < 50000 * 41:
            total += len(stream.read(struct.unpack(">I", stream.read(8)[4:])[0]))
    kib = private_kib(m.pid)
    a.close()
    ok("after a flood it keeps at most 100 KiB of its own, and a client's buffer while that is there", kib <= 100 + 68, f"{kib} KiB")
    wait_until(lambda: not os.path.exists(f"/proc/{m.pid}") or private_kib(m.pid) < kib)
    kib = private_kib(m.pid)
    print(f"# {kib} KiB after a flood")
    ok("and none of that afterwards", kib <= 100, f"{kib} KiB")
    b = m.attach(STDIN | STDOUT)
    b.sendall(b"x\n")
    ok("and the container goes on", m.end() == 0)
    m.close()


def frames_prefix(data):
    """Bytes of whole frames; the last one may be cut: the client was."""
    at = total = 0
    while at + 8 <= len(data):
        size = struct.unpack(">I", data[at + 4:at + 8])[0]
        total, at = total + min(size, len(data) - at - 8), at + 8 + size
    return total


def terminal():
    a, a_end = pair()
    m = Monitor('trap "stty size; exit 3" WINCH; echo ready; read x; while :; do sleep 0.01; done', terminal=True,
                clients=[(STDIN | STDOUT, a_end)])
    seen = b""
    while b"ready" not in seen:
        seen += a.recv(4096)
    a.sendall(b"typed\r")
    while b"typed" not in seen:
        seen += a.recv(4096)
    ok("a terminal's bytes are raw and echoed", b"ready\r\n" in seen and b"\0" not in seen, seen)
    m.send(RESIZE, 33, 101)
    ok("a window size reaches the program", m.end() == 3)
    rest = seen + read_all(a)
    ok("with its rows and columns", b"33 101" in rest, rest)
    ok("a terminal is logged as stdout", {line["stream"] for line in m.log()} == {"stdout"})
    m.close()


def bad_messages():
    m = Monitor("read x", feed=True)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(m.folder + "/control")
    for data in (b"", b"\1", b"\1\0\0\0", b"\xff" * 60000, struct.pack("<I", 9), struct.pack("<I", 2) + b"\0" * 40):
        s.send(data)
    ours, theirs = pair()
    m.send(ATTACH, 0, fd=theirs.fileno())
    m.send(ATTACH, 1 << 40, fd=theirs.fileno())
    theirs.close()
    ok("a client with nonsense is closed", read_all(ours) == b"")
    a = m.attach(STDIN | STDOUT)
    a.sendall(b"x\n")
    ok("bad messages change nothing", m.end() == 0)
    m.close()


def many_clients():
    m = Monitor("read x", feed=True)
    before = private_kib(m.pid)
    ok("boxmon keeps at most 100 KiB of its own", before <= 100, f"{before} KiB")
    for _ in range(300):
        m.attach(STDOUT).close()
    a = m.attach(STDIN | STDOUT)
    fds = lambda: len(os.listdir(f"/proc/{m.pid}/fd"))
    wait_until(lambda: fds() <= 14)
    ok("300 clients that came and went leave nothing", private_kib(m.pid) <= 132, f"{private_kib(m.pid)} KiB, {fds()} fds")
    clients = [m.attach(STDOUT) for _ in range(70)]
    wait_until(lambda: sum(gone(c) for c in clients) >= 7)
    ok("the 65th client is turned away", sum(gone(c) for c in clients) == 7)
    a.sendall(b"x\n")
    ok("and the container goes on", m.end() == 0)
    m.close()


def full_folder():
    """The file system of the record is full at the end, and again when the rest of the output is in."""
    folder, flag = tempfile.mkdtemp(prefix="monitor-"), tempfile.mktemp(prefix="monitor-go-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "monitor", folder], check=True)
    m = Monitor(f"until [ -e {flag} ]; do sleep 0.05; done; exit 7", folder=folder)
    wait_until(lambda: os.path.exists(folder + "/room"))
    with open(folder + "/fill", "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096):
                pass
        except OSError as e:
            ok("the folder is full", e.errno == errno.ENOSPC, e)
    os.mkdir(flag)
    ok("the end is recorded all the same", m.end() == 7)
    ok("where room was kept for it", not os.path.exists(folder + "/room"))
    os.rmdir(flag)
    os.close(m.state)
    m.control.close()
    subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)


def gone(s):
    """Closed by the other side?"""
    poll = select.poll()
    poll.register(s, select.POLLRDHUP)
    return bool(poll.poll(0))


for story in (exits_and_logs, several_clients, input_ends, slow_reader, nagging_reader, flood, terminal, bad_messages, many_clients, full_folder):
    try:
        story()
    except Exception as e:  # noqa: BLE001 - a story that breaks is a failure with its reason
        ok(f"{story.__name__} ends", False, repr(e))
print(f"1..{count}")
sys.exit(failed > 0)
