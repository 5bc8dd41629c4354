"""net_pod.py - the story of net_pod.sh. Prints TAP.

    far 10.9.0.2 -- gateway of lab -- pod 172.18.0.2: pause, web, and askers that come and go
"""
import glob
import json
import os
import shutil
import struct
import subprocess
import threading

from netlib import LIMIT, TCP, V4, V6, Netd, Tap, outside_with_names, within

t = Tap("net_pod")
SEEN = "10.9.0.2 said you are ::ffff:10.9.0.1\n"
BOX, ROOT = os.environ["BOX"], "/run/pod"
# Nothing of the machine's: box makes no cgroup where none is in sight.
for words in ("mount --make-rprivate /", "mount -t sysfs sysfs /sys", f"mkdir -p {ROOT}/rootfs/bin {ROOT}/rootfs/etc {ROOT}/rootfs/proc "
              f"{ROOT}/rootfs/sys {ROOT}/rootfs/dev {ROOT}/rootfs/tmp"):
    subprocess.run(words.split(), check=True)
shutil.copy(os.environ["NETPAL"], f"{ROOT}/rootfs/bin/netpal")
with open(f"{ROOT}/rootfs/etc/resolv.conf", "w") as f:
    f.write("nameserver 172.18.0.1\n")


def box(*words):
    return subprocess.run([BOX, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


box("spec", "--bundle", ROOT)
with open(f"{ROOT}/config.json") as f:
    BASE = json.load(f)


def bundle(name, args, network, user):
    """user: None, "new", or a path."""
    config = json.loads(json.dumps(BASE))
    config["process"].update(args=["/bin/netpal", *args], terminal=False)
    config["root"]["path"] = f"{ROOT}/rootfs"
    spaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")] + [{"type": "network", "path": network} if network else {"type": "network"}]
    if user:
        spaces.append({"type": "user"} if user == "new" else {"type": "user", "path": user})
        config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["linux"]["namespaces"] = spaces
    config["linux"].pop("resources", None)
    # As pods have it: who joins from a user namespace of its own has no capability there.
    config["linux"]["sysctl"] = {} if network else {"net.ipv4.ip_unprivileged_port_start": "0"}
    # sysfs is the network namespace's: who does not own that gets the machine's, as podman does it.
    config["mounts"] = [m for m in config["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup")]
    config["mounts"].append({"destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "ro"]})
    os.makedirs(f"{ROOT}/{name}", exist_ok=True)
    with open(f"{ROOT}/{name}/config.json", "w") as file:
        json.dump(config, file)


def start(name, *args, network=None, user=None):
    """Its pid; what it prints is in a file."""
    bundle(name, args, network, user)
    with open(f"{ROOT}/{name}/log", "w") as log:
        done = subprocess.run([BOX, "run", "--detach", "--bundle", f"{ROOT}/{name}", name], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"{name}: {said(name)}")
    return json.loads(box("state", name).stdout)["pid"]


def run(*args, network, user):
    """What a container that does one thing has printed."""
    bundle("once", args, network, user)
    done = box("run", "--bundle", f"{ROOT}/once", "once")
    return done.stdout + done.stderr


def said(name):
    with open(f"{ROOT}/{name}/log") as file:
        return file.read()


def delete(*names):
    for name in names:
        done = box("delete", "--force", name)
        if done.returncode:
            raise SystemExit(done.stderr)


def holders(inode):
    """Who has the namespace, and by what."""
    return [f"{path} {link}" for path in glob.glob("/proc/[0-9]*/ns/net") + glob.glob("/proc/[0-9]*/fd/*") if (link := read_link(path)) == inode]


def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def serve(listening, say):
    def loop():
        while True:
            conn, peer = listening.accept()
            with conn:
                conn.sendall(say(peer))
    listening.settimeout(None)
    threading.Thread(target=loop, daemon=True).start()


def name_server(sock):
    """192.0.2.7 for every question."""
    while True:
        data, peer = sock.recvfrom(4096)
        end = data.index(b"\0", 12) + 5
        is_a = data[end - 4:end] == b"\0\1\0\1"
        sock.sendto(data[:2] + struct.pack("!5H", 0x8180, 1, is_a, 0, 0) + data[12:end] + (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7" if is_a else b""), peer)


def ask(address, port):
    """What the pod answers to a client outside."""
    with far.open(V4, TCP) as s:
        try:
            s.connect((address, port))
            return s.recv(100)
        except ConnectionResetError:
            return b""


far = outside_with_names(name_server)
serve(far.listen(7000, V6), lambda peer: f"you are {peer[0]}".encode())
netd = Netd()
t.is_("a network", netd.ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "-", "-"), "done lab")
fds = netd.fds()

for kind in ("no user namespaces", "each its own user namespace", "the pause's user namespace", "a namespace kept by a file"):
    own = "new" if "user namespace" in kind and kind[0] != "n" else None
    path = None
    if "file" in kind:
        subprocess.run(["ip", "netns", "add", "pod"], check=True)
        subprocess.run(["ip", "-n", "pod", "link", "set", "lo", "up"], check=True)
        path = "/run/netns/pod"
    pause = start("pause", "sleep", network=path, user=own)
    path = path or f"/proc/{pause}/ns/net"
    user = f"/proc/{pause}/ns/user" if "the pause's" in kind else own
    inode = os.readlink(f"/proc/{pause}/ns/net")
    t.is_(f"{kind}: the pod joins", netd.ask("attach", "lab", "pod", path, "172.18.0.2", "-", "name=pod"), "done lab")
    port = int(netd.ask("publish", "lab", "web", "tcp", "-", 0, 80, "pod").split()[-1])
    web = start("web", "serve", "80", "hello", network=path, user=user)
    t.is_("a container joins its namespace by the path", os.readlink(f"/proc/{web}/ns/net"), inode)
    t.ok("it serves", within(lambda: "serves" in said("web")), said("web"))
    where = {"network": path, "user": user}
    t.is_("another one reaches it at localhost", run("ask1", "127.0.0.1", "80", **where), "127.0.0.1 said hello\n")
    t.is_("by the pod's name, which the gateway knows", run("ask1", "pod", "80", **where), "pod said hello\n")
    t.is_("the world's names resolve", run("names", "example.org", **where), "192.0.2.7\n")
    t.is_("it reaches the world, as the machine", run("ask1", "10.9.0.2", "7000", **where), SEEN)
    t.is_("so does the one that serves", box("exec", "web", "/bin/netpal", "ask1", "10.9.0.2", "7000").stdout, SEEN)
    t.is_("the published port leads to the one that listens", ask("10.9.0.1", port), b"hello")
    t.ok("which sees the client's address", within(lambda: "from ::ffff:10.9.0.2\n" in said("web")), said("web"))
    delete("web")
    t.is_("without it nobody answers", ask("10.9.0.1", port), b"")
    web = start("web", "serve", "80", "again", network=path, user=user)
    t.ok("its successor does", within(lambda: ask("10.9.0.1", port) == b"again"), said("web"))
    delete("pause")
    where = {"network": f"/proc/{web}/ns/net", "user": f"/proc/{web}/ns/user" if "the pause's" in kind else own}
    t.is_("without the pause the others have their network as before", run("ask1", "10.9.0.2", "7000", **where), SEEN)
    t.is_("and the port", ask("10.9.0.1", port), b"again")
    t.is_("the pod leaves", netd.ask("withdraw", "lab", "web") + " " + netd.ask("detach", "lab", "pod"), "done web done lab")
    delete("web")
    if "file" in kind:
        subprocess.run(["ip", "netns", "del", "pod"], check=True)
    t.ok("nothing has the namespace any more", within(lambda: not holders(inode)), holders(inode))
    t.is_("netd has as much open as before", netd.fds(), fds)
t.is_("and no container is left", box("list", "--quiet").stdout, "")
t.is_("the network goes", netd.ask("delete", "lab"), "done lab")
t.is_("netd ends well", netd.end(), 0)
t.end()
