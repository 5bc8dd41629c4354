"""box_start.py BOX INMATE - how a container starts: namespaces, sysctls, fds, exec, and what an attacker inside can reach
meanwhile (SECURITY.md A1, A6, A8, A10, A11, A20). Prints TAP."""
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

from boxlib import CAP_NUMBERS, CAPS, LIMIT, Box, Tap, config, field, listen, mount, namespace, read_terminal, receive_fd, user_namespace

RACES = int(os.environ.get("RACE_ITERATIONS", 300))
tap = Tap("box start")
ok = tap.ok
box = Box(sys.argv[1], sys.argv[2])
program_hash = hashlib.sha256(open(box.program, "rb").read()).hexdigest()


def own_namespaces():
    return {n: os.readlink(f"/proc/self/ns/{n}") for n in ("user", "pid", "mnt", "uts", "ipc", "cgroup", "net", "time")}


def keeper(*flags):
    """A process in namespaces of its own, made by unshare(1); ends with its stdin."""
    p = subprocess.Popen(["unshare", *flags, "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    return p


# ---- namespaces
def namespaces():
    own = own_namespaces()
    status, out = box.run(config("/inmate", "ns", ",", "names", ",", "status"))
    ok("a container runs", status == 0, out)
    new = {n for n in own if field(out, f"ns {n}") not in (None, own[n])}
    ok("new namespaces are new, the others the machine's", new == {"pid", "mnt", "uts", "ipc", "net"}, out)
    ok("its host name", field(out, "hostname") == "inmate", out)
    ok("it is process 1 and leads its session", field(out, "pid") == "1" and field(out, "sid") == "1", out)
    c = user_namespace(config("/inmate", "ns", ",", "status", ",", "cat", "/proc/self/uid_map"))
    c["linux"]["namespaces"] += [{"type": "cgroup"}, {"type": "time"}]
    c["domainname"] = "example"
    c["linux"]["timeOffsets"] = {"monotonic": {"secs": 100000}, "boottime": {"secs": 200000, "nanosecs": 5}}
    c["process"]["args"] += [",", "clocks", ",", "names"]
    status, out = box.run(c)
    ok("all eight at once", status == 0 and all(field(out, f"ns {n}") not in (None, own[n]) for n in own), out)
    ok("id maps", "0    1048576      65536" in out, out)
    ok("root inside", field(out, "Uid") == "0\t0\t0\t0" and field(out, "Groups") == "", out)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    ok("the clocks of a time namespace", abs(float(field(out, "boottime") or 0) - now - 200000) < 60 and
       abs(float(field(out, "monotonic") or 0) - time.monotonic() - 100000) < 60, out)
    ok("domain name", field(out, "domainname") == "example", out)
    c = user_namespace(config("/inmate", "owner", "/dev/mqueue", ",", "ns"))
    status, out = box.run(c)
    ok("the message queues of a user namespace are its root's", status == 0 and field(out, "owner /dev/mqueue") == "0:0" and
       field(out, "ns ipc") not in (None, own["ipc"]), out)
    c = config("/inmate", "cat", "/proc/self/uid_map", ",", "cat", "/proc/self/gid_map")
    c["linux"]["namespaces"].append({"type": "user"})
    status, out = box.run(c)
    ok("without mappings root inside is the caller, and that is said", status == 0 and
       [l.split() for l in out.splitlines()[-2:]] == [["0", "0", "1"]] * 2 and "uidMappings and gidMappings are missing" in out, out)
    c = config("/inmate", "cat", "/proc/self/uid_map")
    user_namespace(c)
    c["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 5000, "size": 1}, {"containerID": 1, "hostID": 7000, "size": 9}]
    c["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 5000, "size": 10}]
    status, out = box.run(c)
    ok("several mappings", out.split() == "0 5000 1 1 7000 9".split(), out)
    joined()
    refused_namespaces()


def joined():
    k = keeper("--net", "--uts", "--ipc", "--time", "--fork", "--pid", "--kill-child")
    # unshare's child is the one inside the pid and time namespaces
    kid = int(open(f"/proc/{k.pid}/task/{k.pid}/children").read().split()[0])
    at = f"/proc/{kid}/ns/"
    theirs = {n: os.readlink(at + n) for n in ("net", "uts", "ipc", "time", "pid")}
    for kind, name in (("network", "net"), ("uts", "uts"), ("ipc", "ipc"), ("time", "time"), ("pid", "pid")):
        c = config("/inmate", "ns")
        if kind == "uts":
            del c["hostname"]
        status, out = box.run(namespace(c, kind, at + name))
        ok(f"joins a {kind} namespace", status == 0 and field(out, f"ns {name}") == theirs[name], out)
    c = user_namespace(config("/inmate", "ns", ",", "status"))
    status, out = box.run(namespace(c, "network", at + "net"))
    ok("joins the machine's network from a user namespace of its own",
       status == 0 and field(out, "ns net") == theirs["net"] and field(out, "Uid") == "0\t0\t0\t0", out)
    c = config("/inmate", "names")
    status, out = box.run(namespace(c, "uts", at + "uts"))
    ok("a joined uts namespace gets the host name", field(out, "hostname") == "inmate", out)
    k.stdin.close()
    k.wait()

    c = user_namespace(config("/inmate", "sleep"))
    name, status, out = box.create(c)
    box.call("start", name)
    at = f"/proc/{box.pid(name)}/ns/"
    theirs = {n: os.readlink(at + n) for n in ("user", "net", "ipc", "uts")}
    c = config("/inmate", "ns", ",", "status", ",", "cat", "/proc/self/uid_map")
    for kind, ns in (("user", "user"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts")):
        namespace(c, kind, at + ns)
    c["linux"]["uidMappings"] = c["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 1}]    # podman's dummy
    del c["hostname"]
    status, out = box.run(c)
    ok("joins another container's user, network, ipc and uts namespaces",
       status == 0 and all(field(out, f"ns {n}") == theirs[n] for n in theirs), out)
    ok("is root there", field(out, "Uid") == "0\t0\t0\t0" and "1048576" in out, out)
    ok("its new namespaces belong to the joined user namespace", field(out, "CapEff") == "00000000a80425fb", out)
    box.call("delete", "--force", name)


def refused_namespaces():
    def no(what, c, sentence):
        status, out = box.run(c)
        ok(what, status != 0 and sentence in out, out)

    no("a path that is no namespace", namespace(config("/inmate"), "network", "/etc/passwd"), ".path: /etc/passwd is not a network namespace")
    no("a namespace of another type", namespace(config("/inmate"), "network", "/proc/self/ns/uts"), "is not a network namespace")
    no("a namespace that is not there", namespace(config("/inmate"), "ipc", "/nosuch"), "open ipc namespace /nosuch")
    c = config("/inmate")
    c["linux"]["namespaces"] = [{"type": "mount"}]
    no("a host name without its namespace", c, ".hostname: needs a uts namespace")
    c = config("/inmate")
    c["linux"]["timeOffsets"] = {"boottime": {"secs": 1}}
    no("clocks without their namespace", c, "a new time namespace")
    for key, sentence in (("kernel.core_pattern", "belongs to the whole machine"), ("vm.swappiness", "belongs to the whole machine"),
                          ("user.max_user_namespaces", "needs a user namespace"), ("kernel.hostname", ".hostname"),
                          ("net/../kernel.core_pattern", "not a dotted name"), ("kernel.shm.x", "belongs to the whole")):
        c = config("/inmate")
        c["linux"]["sysctl"] = {key: "1"}
        no(f"sysctl {key}", c, sentence)


def host_by_path():
    c = namespace(config("/inmate"), "network", "/proc/self/ns/net")
    c["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
    status, out = box.run(c)
    ok("sysctls of a joined namespace that is the machine's", status != 0 and "is the machine's" in out, out)


def net_devices():
    """In the test's own network namespace."""
    def ip(*words):
        return subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode == 0

    if not ip("link", "add", "boxv0", "type", "veth", "peer", "name", "boxv1"):
        tap.skip("network devices", "the kernel has no veth")
        return
    ip("address", "add", "10.99.0.2/24", "dev", "boxv1")
    ip("address", "add", "fd99::2/64", "dev", "boxv1")
    for c in (config(), user_namespace(config())):
        c["process"]["args"] = ["/inmate", "cat", "/proc/net/dev", ",", "cat", "/proc/net/fib_trie", ",", "cat", "/proc/net/if_inet6"]
        c["linux"]["netDevices"] = {"boxv1": {"name": "eth7"}}
        status, out = box.run(c)
        ok("a network device moves in with its name and addresses", status == 0 and "eth7:" in out and "boxv1" not in out and
           "10.99.0.2" in out and "fd990000000000000000000000000002" in out, out)
        # It went with the container's namespace, and its other end with it.
        ip("link", "delete", "boxv0")
        ip("link", "add", "boxv0", "type", "veth", "peer", "name", "boxv1")
        ip("address", "add", "10.99.0.2/24", "dev", "boxv1")
        ip("address", "add", "fd99::2/64", "dev", "boxv1")
    c["linux"]["netDevices"] = {"nosuch0": {}}
    status, out = box.run(c)
    ok("one that is not there is an error", status != 0 and ".linux.netDevices.nosuch0: there is no such device" in out, out)
    c["linux"]["netDevices"] = {"boxv0": {"name": "lo"}}
    status, out = box.run(c)
    ok("so is a name that is taken", status != 0 and ".linux.netDevices.boxv0: move it: File exists" in out, out)
    ip("link", "delete", "boxv0")


# ---- sysctls and a hostile /proc (A6)
def sysctls():
    host = {p: open(p).read() for p in ("/proc/sys/kernel/msgmax", "/proc/sys/kernel/core_pattern")}
    c = config("/inmate", "cat", "/proc/sys/kernel/msgmax", ",", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")
    c["linux"]["sysctl"] = {"kernel.msgmax": "9999", "net/ipv4/ip_unprivileged_port_start": "0"}
    status, out = box.run(c)
    ok("sysctls of the container's namespaces", out.split() == ["9999", "0"], out)
    c = user_namespace(config("/inmate", "cat", "/proc/sys/user/max_user_namespaces", ",", "userns"))
    c["linux"]["sysctl"] = {"user.max_user_namespaces": "0"}
    status, out = box.run(c)
    ok("user.* in a user namespace of its own", out.split()[0] == "0" and "make" not in out, out)
    ok("closes user namespaces inside (A20)", "No space left" in out or "not permitted" in out, out)
    status, out = box.run(user_namespace(config("/inmate", "userns")))
    ok("without it they are open (A20)", field(out, "userns") == "done", out)
    host_by_path()
    # What the image or a volume put at /proc/sys must not be what we write to.
    trap = os.path.join(box.place, "trap")
    os.makedirs(trap + "/kernel", exist_ok=True)
    open(trap + "/kernel/msgmax", "w").write("untouched")
    for what, extra in (("a folder over /proc/sys", [mount("/proc/sys", "bind", "rbind", source=trap)]),
                        ("a tmpfs over /proc", [mount("/proc", "tmpfs")])):
        c = config("/inmate", "exit", "0")
        c["linux"]["sysctl"] = {"kernel.msgmax": "9999"}
        c["linux"]["maskedPaths"] = c["linux"]["readonlyPaths"] = []
        c["mounts"] += extra
        status, out = box.run(c)
        ok(f"{what} gets nothing written", open(trap + "/kernel/msgmax").read() == "untouched", out)
    ok("the machine's own are as before", all(open(p).read() == host[p] for p in host))


# ---- descriptors and the working directory (A8)
def descriptors():
    leaks = [os.open("/", os.O_RDONLY) for _ in range(20)]
    for fd in leaks:
        os.set_inheritable(fd, True)
    status, out = box.run(config("/inmate", "fds"), close_fds=False)
    ok("fds are exactly 0, 1, 2 whatever the caller left open", field(out, "fds") == "0,1,2,", out)

    def odd_caller():
        os.close(0)
        os.close(2)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])

    status, out = box.run(config("/inmate", "fds", ",", "status"), preexec_fn=odd_caller, restore_signals=False)
    ok("also when the caller closed some of them", field(out, "fds") == "0,1,2,", out)
    # What else is ignored is the caller's wish: nohup's SIGHUP stays so.
    ok("no signal is blocked, and SIGPIPE is not ignored",
       field(out, "SigBlk") == "0" * 16 and not int(field(out, "SigIgn"), 16) & 1 << signal.SIGPIPE - 1, out)
    path = box.bundle(config("/inmate", "fds"))
    status, out = box.call("run", "--preserve-fds", "2", "--bundle", path, os.path.basename(path), pass_fds=(3, 4, 5))
    ok("and the preserved ones", field(out, "fds") == "0,1,2,3,4,", out)
    for cwd in ("/proc/self/fd/3", "/proc/self/fd/7", "/proc/1/cwd/..", "/proc/self/root/../..", "/link"):
        c = config("/inmate", "status", ",", "cat", "etc/hostname")
        c["process"]["cwd"] = cwd
        path = box.bundle(c)
        os.symlink("/proc/self/fd/5", f"{path}/rootfs/link")
        status, out = box.call("run", "--bundle", path, os.path.basename(path), close_fds=False)
        ok(f"working directory {cwd} is refused or inside", (status and "working directory" in out) or field(out, "cwd") == "/",
           out)
    good, why = True, ""
    for fd in (*range(3, 65), 100, 255, 256, 511, 777, 1023):
        c = config("/inmate", "status")
        c["process"]["cwd"] = f"/proc/self/fd/{fd}"
        status, out = box.run(c, close_fds=False)
        if not (status and "working directory" in out) and field(out, "cwd") != "/":
            good, why = False, f"{fd}: {out}"
    ok("working directory /proc/self/fd/3 to 64 and others up to 1023", good, why)
    for fd in leaks:
        os.close(fd)


def host_folders():
    """No program of the host by way of a folder that we have open (CVE-2024-21626, attack 3)."""
    shutil.copy(box.inmate, f"{box.place}/theirs")

    def attempt(c, script=None):
        path = box.bundle(c)
        if script:
            with open(f"{path}/rootfs/bin/script", "w") as f:
                f.write(script)
            os.chmod(f"{path}/rootfs/bin/script", 0o755)
        return box.call("run", "--bundle", path, os.path.basename(path))[0]

    def reaches(kind, place):
        c = config(place, "status")
        script = None
        if kind == "PATH":
            c = config("theirs", "status")
            c["process"]["env"] = ["PATH=" + os.path.dirname(place)]
        elif kind == "interpreter":
            c, script = config("/bin/script"), f"#!{place} status\n"
        elif kind == "hook":
            c = config("/inmate", "status")
            c["hooks"] = {"startContainer": [{"path": place, "args": ["theirs", "status"]}]}
        return attempt(c, script) == 0

    places = [f"/proc/self/fd/{fd}/{up}theirs" for fd in range(3, 16) for up in ("../", "../../")]
    for kind in ("args", "PATH", "interpreter", "hook"):
        found = [place for place in places if reaches(kind, place)]
        ok(f"no host program through {kind}", not found, found)
    path = box.bundle(config("/inmate", "sleep"))
    name = os.path.basename(path)
    subprocess.run(box.command("run", "--detach", "--bundle", path, name), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=LIMIT)
    found = [place for place in places if box.call("exec", name, place, "status")[0] == 0]
    ok("nor through exec", not found, found)
    box.call("delete", "--force", name)


# ---- an attacker inside: our own program (A1), processes that join (A10)
def own_program():
    c = config("/tmp/entry")
    c["process"]["args"] = ["/tmp/entry", "hello"]
    c["mounts"] = [m for m in c["mounts"]]
    path = box.bundle(c)
    open(f"{path}/rootfs/tmp/entry", "w").write("#!/proc/self/exe\n")
    os.chmod(f"{path}/rootfs/tmp/entry", 0o755)
    status, out = box.call("run", "--bundle", path, os.path.basename(path))
    ok("an entry point #!/proc/self/exe does no harm", hashlib.sha256(open(box.program, "rb").read()).hexdigest() == program_hash, out)
    c = config("/inmate", "hunt")
    c["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), sorted(CAP_NUMBERS, key=CAP_NUMBERS.get)[:38])
    for user_ns in (True, False):
        if user_ns:
            c = user_namespace(c)
        else:
            # Without a user namespace its root has Docker's capabilities, not the machine's.
            c = config("/inmate", "hunt")
        hunt(c, user_ns)


def hunt(c, user_ns):
    path = box.bundle(c)
    name = os.path.basename(path)
    p = subprocess.Popen(box.command("run", "--bundle", path, name), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         stdin=subprocess.DEVNULL)
    if p.stdout.readline().strip() != b"hunting":
        ok("the hunter runs", False, p.stdout.read().decode())
        return
    bad = ""
    for _ in range(RACES):
        status, out = box.call("exec", name, "/inmate", "exit", "0")
        if status:
            bad = out
            break
    # Containers that share its pid namespace: their first process is in sight from its birth on.
    at = f"/proc/{box.pid(name)}/ns/"
    beside = namespace(config("/inmate", "exit", "0"), "pid", at + "pid")
    if user_ns:
        namespace(beside, "user", at + "user")
    for _ in range(RACES // 10):
        status, out = box.run(beside)
        bad = bad or (out if status else "")
    open(f"{path}/rootfs/stop", "w").close()
    out = p.communicate(timeout=LIMIT)[0].decode()
    where = "a user namespace" if user_ns else "the machine's user namespace"
    ok(f"{RACES} execs into {where} run, and containers beside it", not bad, bad)
    ok("a hunter inside reaches none of them before their exec (A10)", field(out, "caught") == "0" and field(out, "hunted") is not None, out)
    ok("our program is unchanged (A1)", hashlib.sha256(open(box.program, "rb").read()).hexdigest() == program_hash)


def execs():
    c = user_namespace(config("/inmate", "sleep"))
    c["linux"]["namespaces"].append({"type": "time"})
    c["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}}
    name, status, out = box.create(c)
    box.call("start", name)
    first = box.pid(name)
    theirs = {n: os.readlink(f"/proc/{first}/ns/{n}") for n in own_namespaces()}
    status, out = box.call("exec", name, "/inmate", "ns", ",", "status", ",", "fds", ",", "clocks")
    ok("exec is in all of the container's namespaces", status == 0 and all(field(out, f"ns {n}") == theirs[n] for n in theirs), out)
    ok("with its capabilities, and none inheritable", field(out, "CapEff") == "00000000a80425fb" and field(out, "CapInh") == "0000000000000000", out)
    ok("its fds are 0, 1, 2", field(out, "fds") == "0,1,2,", out)
    ok("and in its time", float(field(out, "boottime") or 0) > 1000000, out)
    codes = [box.call("exec", name, "/inmate", "exit", "5")[0] for _ in range(RACES // 10)]
    ok("again and again", set(codes) == {5}, codes)
    status, out = box.call("exec", "--user", "1000:100", "--cwd", "/tmp", "--env", "X=y", name, "/inmate", "status", ",", "env")
    ok("user, cwd and env", field(out, "Uid") == "\t".join(["1000"] * 4) and field(out, "Gid") == "\t".join(["100"] * 4) and
       field(out, "cwd") == "/tmp" and "env=X=y" in out and field(out, "CapEff") == "0" * 16, out)
    for cwd in ("/proc/self/fd/3", "/proc/self/fd/8", "/proc/1/cwd/../../.."):
        status, out = box.call("exec", "--cwd", cwd, name, "/inmate", "status")
        ok(f"exec with cwd {cwd} is refused or inside (A8)", status != 0 or field(out, "cwd") == "/", out)
    good, why = True, ""
    for fd in (*range(3, 65), 100, 255, 256, 511, 777, 1023):
        status, out = box.call("exec", "--cwd", f"/proc/self/fd/{fd}", name, "/inmate", "status")
        if status == 0 and field(out, "cwd") != "/":
            good, why = False, f"{fd}: {out}"
    ok("exec with cwd /proc/self/fd/3 to 64 and others up to 1023 (A8)", good, why)
    exec_capabilities(name)
    process = config("/inmate", "sched", ",", "status", ",", "tty")["process"]
    process.update(execCPUAffinity={"initial": "0-1", "final": "0"}, terminal=True, user={"uid": 7, "gid": 8, "additionalGids": [9]},
                   consoleSize={"height": 5, "width": 6}, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 55, "hard": 66}], oomScoreAdj=77,
                   capabilities=dict.fromkeys(("bounding", "effective", "permitted", "inheritable", "ambient"), ["CAP_KILL"]))
    process["args"] += [",", "cat", "/proc/self/limits"]
    file = os.path.join(box.place, "process.json")
    json.dump(process, open(file, "w"))
    listener, path = listen(box, "exec-console")
    p = subprocess.Popen(box.command("exec", "--process", file, "--console-socket", path, name), stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    master, text, _ = receive_fd(listener)
    out = read_terminal(master)
    said = p.communicate(timeout=LIMIT)[0].decode()
    ok("a whole process object: its CPUs", field(out, "cpus") == "1", out + said)
    ok("its terminal", field(out, "tty") == "111" and field(out, "size") == "5x6" and field(out, "controlling") == "done" and
       field(out, "owner") == "7", out + said)
    ok("its ids and capabilities", field(out, "Groups") == "9" and field(out, "Uid").startswith("7") and
       all(field(out, f"Cap{k}") == "0000000000000020" for k in ("Inh", "Prm", "Eff", "Bnd", "Amb")), out + said)
    ok("its limits", "Max open files            55                   66" in out and field(out, "oom") == "77", out + said)
    pidfd_socket(name)
    status, out = box.call("exec", name, "/nosuch")
    ok("a missing program is named", status != 0 and "no such file" in out, out)
    box.call("delete", "--force", name)


def exec_capabilities(name):
    """A11: the five sets of exec. In the container's user namespace all can be had."""
    docker, net = sum(1 << CAP_NUMBERS[c] for c in CAPS), 1 << CAP_NUMBERS["CAP_NET_ADMIN"]
    last = int(open("/proc/sys/kernel/cap_last_cap").read())
    full = sum(1 << n for n in CAP_NUMBERS.values() if n <= last)
    names = [c for c, n in CAP_NUMBERS.items() if n <= last]

    def document(caps):
        file = os.path.join(box.place, f"caps{len(caps)}.json")
        process = config("/inmate", "status")["process"]
        process["capabilities"] = caps
        with open(file, "w") as f:
            json.dump(process, f)
        return ["--process", file, name]

    program = [name, "/inmate", "status"]
    for what, words, want in (
            ("the container's", program, (0, docker, docker, docker, 0)),
            ("one more", ["--cap", "CAP_NET_ADMIN", *program], None),
            ("none", document({}), (0, 0, 0, 0, 0)),
            ("all", document(dict.fromkeys(("bounding", "effective", "permitted"), names)), (0, full, full, full, 0)),
            ("a user's", ["--user", "1000:1000", *program], (0, 0, 0, docker, 0))):
        status, out = box.call("exec", *words)
        have = tuple(int(field(out, f"Cap{k}") or "-1", 16) for k in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
        if want is None:
            want = (0, docker | net, docker | net, docker | net, 0)
        ok(f"exec with {what} capabilities (A11)", status == 0 and have == want, f"{[hex(h) for h in have]}\n{out}")


def pidfd_socket(name):
    listener, path = listen(box, "pidfd")
    pid_file = os.path.join(box.place, "pidfd.pid")
    # In the background box ends when the program runs: nothing of ours may stay open for it.
    p = subprocess.run(box.command("exec", "--detach", "--pid-file", pid_file, "--pidfd-socket", path, name, "/inmate", "sleep"),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT)
    fd, text, connection = receive_fd(listener)
    facts = open(f"/proc/self/fdinfo/{fd}").read()
    ok("--pidfd-socket: runc's message", p.returncode == 0 and text == b"setns" and connection.recv(1) == b"", text)
    ok("the pidfd is the process's", field(facts, "Pid") == open(pid_file).read().strip() and not select.select([fd], [], [], 0)[0], facts)
    signal.pidfd_send_signal(fd, signal.SIGKILL)
    seen = bool(select.select([fd], [], [], LIMIT)[0])
    # It is ours to bury, as process 1 of this pid namespace: until then the container's could not end.
    ok("by it the process ends, and its end is seen", seen and os.waitid(os.P_PIDFD, fd, os.WEXITED).si_status == signal.SIGKILL)
    os.close(fd)
    status, out = box.call("exec", "--pidfd-socket", path, name, "/nosuch")
    listener.setblocking(False)
    try:
        fd, text, _ = receive_fd(listener)
        os.close(fd)
    except BlockingIOError:
        text = b"nothing came"
    ok("it is sent before the program runs", status != 0 and text == b"setns", out + str(text))
    listener.close()
    status, out = box.call("exec", "--pidfd-socket", path, name, "/inmate", "status")
    ok("without a listener nothing runs", status != 0 and "--pidfd-socket" in out and field(out, "Uid") is None, out)


def begun():
    """What a program does first may be seen before `run` has put down that it runs: it runs all the same."""
    path = box.bundle(config("/inmate", "sleep"))
    name = os.path.basename(path)
    subprocess.run(box.command("run", "--detach", "--bundle", path, name), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=LIMIT)
    record = os.path.join(box.state, name, "process")
    with open(record, "r+b") as f:
        had = f.read(1)
        f.seek(0)
        f.write(b"-")
    status, out = box.call("state", name)
    ok("a program runs as soon as it has begun", had == b"+" and status == 0 and json.loads(out)["status"] == "running", out)
    status, out = box.call("exec", name, "/inmate", "exit", "5")
    ok("and exec comes in", status == 5, out)
    box.call("delete", "--force", name)
    name, status, out = box.create(config("/inmate", "sleep"))
    with open(os.path.join(box.state, name, "process"), "r+b") as f:
        f.write(b"-")
    status, out = box.call("state", name)
    ok("one that waits has not", status == 0 and json.loads(out)["status"] == "creating", out)
    box.call("delete", "--force", name)


mounts_before = open("/proc/self/mountinfo").read()
try:
    chosen = sys.argv[3:]
    for story in (namespaces, net_devices, sysctls, descriptors, host_folders, execs, begun, own_program):
        if not chosen or story.__name__ in chosen:
            story()
    ok("no mount is left", open("/proc/self/mountinfo").read() == mounts_before)
    ok("no container is left", [n for n in os.listdir(box.state) if not n.startswith(".")] == [], os.listdir(box.state))
finally:
    box.remove()
tap.end()
