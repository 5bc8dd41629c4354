"""boxlib - bundles and the box command for the tests of the command line: a fresh root, one bundle per container."""
import array
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

LIMIT = 120  # seconds until something that never comes is a failure
CAPS = ["CAP_" + c for c in ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
                             "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE").split()]
CAP_NUMBERS = {"CAP_" + c: n for n, c in enumerate(
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST "
    "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM "
    "BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split())}
NAMESPACES = ("pid", "mount", "uts", "ipc", "network")


class Tap:
    def __init__(self, name):
        self.name, self.count, self.failed = name, 0, 0

    def ok(self, what, good, why=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {self.name}: {what}", flush=True)
        if not good:
            print("".join(f"# {line}\n" for line in str(why).splitlines()[-30:]), end="", flush=True)

    def skip(self, what, why):
        self.count += 1
        print(f"ok {self.count} - {self.name}: {what} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(self.failed > 0)


def mount(destination, kind, *options, source=None):
    return {"destination": destination, "type": kind, "source": source or kind, "options": list(options)}


def config(*args):
    """As Docker would have it, without a user namespace and a cgroup."""
    return {
        "ociVersion": "1.3.0",
        "process": {
            "args": list(args), "cwd": "/", "env": ["PATH=/bin:/", "HOME=/"], "user": {"uid": 0, "gid": 0},
            "capabilities": {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}, "noNewPrivileges": True,
        },
        "root": {"path": "rootfs"}, "hostname": "inmate",
        "mounts": [
            mount("/proc", "proc", "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
            mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
            mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        ],
        "linux": {
            "namespaces": [{"type": t} for t in NAMESPACES],
            "maskedPaths": ["/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
        },
    }


def user_namespace(c, first=1 << 20, size=65536):
    c["linux"]["namespaces"].append({"type": "user"})
    c["linux"]["uidMappings"] = [{"containerID": 0, "hostID": first, "size": size}]
    c["linux"]["gidMappings"] = [{"containerID": 0, "hostID": first, "size": size}]
    return c


def namespace(c, kind, path=None):
    """Puts the namespace in the place of the one of its type."""
    c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind]
    c["linux"]["namespaces"].append({"type": kind, "path": path} if path else {"type": kind})
    return c


class Box:
    """The program under test with a root folder of its own."""

    def __init__(self, program, inmate):
        self.program, self.inmate = os.path.abspath(program), os.path.abspath(inmate)
        self.place = tempfile.mkdtemp(prefix="box-")
        os.chmod(self.place, 0o755)
        self.state = os.path.join(self.place, "state")
        self.ids = 0

    def bundle(self, c):
        """A bundle for this configuration; its folder's name is the container's id."""
        self.ids += 1
        path = os.path.join(self.place, f"c{self.ids}")
        for d in "proc dev sys bin tmp".split():
            os.makedirs(f"{path}/rootfs/{d}")
        os.chmod(f"{path}/rootfs/tmp", 0o777)
        shutil.copy(self.inmate, f"{path}/rootfs/inmate")
        os.chmod(f"{path}/rootfs/inmate", 0o755)
        with open(f"{path}/config.json", "w") as f:
            json.dump(c, f)
        return path

    def command(self, *words):
        return [self.program, "--root", self.state, "--cgroup-manager", "disabled", *words]

    def call(self, *words, **options):
        """Returns (status, output); stderr is part of it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, **options)
        return p.returncode, p.stdout.decode(errors="replace")

    def run(self, c, *words, **options):
        path = self.bundle(c)
        return self.call("run", *words, "--bundle", path, os.path.basename(path), **options)

    def create(self, c, *words, **options):
        """Returns (id, status, output)."""
        path = self.bundle(c)
        with tempfile.TemporaryFile() as out:
            p = subprocess.run(self.command("create", *words, "--bundle", path, os.path.basename(path)), stdout=out,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=LIMIT, **options)
            out.seek(0)
            return os.path.basename(path), p.returncode, out.read().decode(errors="replace")

    def pid(self, name):
        return json.loads(self.call("state", name)[1])["pid"]

    def remove(self):
        for name in os.listdir(self.state) if os.path.isdir(self.state) else ():
            if not name.startswith("."):
                self.call("delete", "--force", name)
        shutil.rmtree(self.place, ignore_errors=True)


def field(text, name):
    """The value of `name=value` or `Name: value` in an inmate's output, None when it is not there."""
    for line in text.splitlines():
        for end in ("=", ":"):
            if line.startswith(name + end):
                return line[len(name) + 1:].strip()
    return None


def listen(box, name):
    path = os.path.join(box.place, name)
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen(8)
    s.settimeout(LIMIT)
    return s, path


def receive_fd(listener, kind=socket.SOCK_STREAM):
    connection, _ = listener.accept()
    connection.settimeout(LIMIT)
    text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
    fds = array.array("i")
    fds.frombytes(ancillary[0][2][:4])
    return fds[0], text, connection


def read_terminal(master):
    """Until the last program has closed it: that is EIO."""
    said = b""
    try:
        while True:
            said += os.read(master, 4096)
    except OSError as e:
        if e.errno != errno.EIO:
            said += str(e).encode()
    os.close(master)
    return said.decode(errors="replace").replace("\r", "")
