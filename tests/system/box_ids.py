"""box_ids.py BOX INMATE - who a container's process is and what it may use: ids, groups, capabilities, HOME, limits, schedulers
(SECURITY.md A11, A12, A14, A16, A19). Prints TAP."""
import os
import resource
import shutil
import struct
import subprocess
import sys

from boxlib import CAP_NUMBERS, CAPS, LIMIT, Box, Tap, config, field, mount, namespace, user_namespace

tap = Tap("box ids")
ok = tap.ok
box = Box(sys.argv[1], sys.argv[2])


def identities():
    mask = sum(1 << CAP_NUMBERS[c] for c in CAPS)
    # In a user namespace there are all; outside, what the machine gives its root.
    full = sum(1 << n for n in CAP_NUMBERS.values() if n <= int(open("/proc/sys/kernel/cap_last_cap").read()))
    machine = int(field(open("/proc/self/status").read(), "CapBnd"), 16)
    net = 1 << CAP_NUMBERS["CAP_NET_BIND_SERVICE"]
    names = sorted(CAP_NUMBERS, key=CAP_NUMBERS.get)[:full.bit_length()]
    cases = [
        ("Docker's", 0, {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}, (0, mask, mask, mask, 0)),
        ("none", 0, {}, (0, 0, 0, 0, 0)),
        ("all", 0, {"bounding": names, "effective": names, "permitted": names}, (0, full, full, full, 0)),
        ("a user's", 1000, {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}, (0, 0, 0, mask, 0)),
        ("a user's with ambient", 1000, dict.fromkeys(("bounding", "effective", "permitted", "inheritable", "ambient"),
                                                      ["CAP_NET_BIND_SERVICE"]), (net, net, net, net, net)),
        ("root's with less in the bounding set", 0, {"bounding": ["CAP_NET_BIND_SERVICE"], "effective": ["CAP_NET_BIND_SERVICE"],
                                                     "permitted": ["CAP_NET_BIND_SERVICE"]}, (0, net, net, net, 0)),
    ]
    for user_ns in (False, True):
        for nnp in (True, False):
            for what, uid, caps, want in cases:
                c = config("/inmate", "status")
                c["process"].update(capabilities=caps, user={"uid": uid, "gid": uid}, noNewPrivileges=nnp)
                if user_ns:
                    user_namespace(c)
                status, out = box.run(c)
                have = tuple(int(field(out, f"Cap{k}") or "-1", 16) for k in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
                want = want if user_ns else tuple(w & machine for w in want)
                ok(f"{what} capabilities{' in a user namespace' * user_ns}{'' if nnp else ' without no_new_privs'}",
                   have == want and field(out, "NoNewPrivs") == str(int(nnp)), f"{[hex(h) for h in have]}\n{out}")


def file_capabilities():
    """A16: a program with capabilities in its file, and a set-user-id one, for a user without any."""
    net = 1 << CAP_NUMBERS["CAP_NET_BIND_SERVICE"]
    # capabilities(7): revision 2 with the effective bit, permitted and inheritable of the low word, then of the high one
    attribute = struct.pack("<IIIII", 0x02000001, net, 0, 0, 0)
    for nnp in (False, True):
        for what in ("file capabilities", "the set-user-id bit"):
            c = config("/bin/mighty", "status")
            # What is permitted already is nothing new: so none is.
            c["process"].update(user={"uid": 1000, "gid": 1000}, noNewPrivileges=nnp, capabilities={"bounding": CAPS})
            path = box.bundle(c)
            # /tmp may be nosuid.
            subprocess.run(["mount", "-t", "tmpfs", "mighty", f"{path}/rootfs/bin"], check=True)
            file = f"{path}/rootfs/bin/mighty"
            shutil.copy(box.inmate, file)
            os.chmod(file, 0o755 if what == "file capabilities" else 0o4755)
            if what == "file capabilities":
                os.setxattr(file, "security.capability", attribute)
            status, out = box.call("run", "--bundle", path, os.path.basename(path))
            subprocess.run(["umount", f"{path}/rootfs/bin"], check=True)
            have = int(field(out, "CapEff") or "-1", 16), field(out, "Uid")
            docker = sum(1 << CAP_NUMBERS[c] for c in CAPS) & int(field(open("/proc/self/status").read(), "CapBnd"), 16)
            want = (net, "1000\t1000\t1000\t1000") if what == "file capabilities" else (docker, "1000\t0\t0\t0")
            ok(f"{what} {'give nothing with' if nnp else 'work without'} no_new_privs (A16)",
               have == ((0, "1000\t1000\t1000\t1000") if nnp else want), f"{have}\n{out}")


def groups():
    good, why = True, ""
    for uid in (0, 1000):
        for gid in (0, 100):
            for extra in ([], [0], [7], [100, 7], [2000, 3, 4]):
                for user_ns in (False, True):
                    c = config("/inmate", "status", ",", "open", "/tmp/forbidden")
                    c["process"]["user"] = {"uid": uid, "gid": gid, "additionalGids": extra}
                    if user_ns:
                        user_namespace(c)
                    status, out = box.run(c)
                    have = sorted(int(g) for g in (field(out, "Groups") or "").split())
                    if status or have != sorted(extra) or field(out, "Gid") != "\t".join([str(gid)] * 4):
                        good, why = False, f"{uid}:{gid} {extra}: {out}"
    ok("40 combinations of user and groups are exact", good, why)
    # The machine's groups never come along, even where they would deny something.
    c = config("/inmate", "open", "/tmp/denied")
    c["process"]["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [55]}
    path = box.bundle(c)
    open(f"{path}/rootfs/tmp/denied", "w").close()
    os.chown(f"{path}/rootfs/tmp/denied", 0, 55)
    os.chmod(f"{path}/rootfs/tmp/denied", 0o606)
    status, out = box.call("run", "--bundle", path, os.path.basename(path))
    ok("a group that is denied stays denied", "Permission denied" in out, out)


def homes():
    """HOME comes from the container's own passwd, whatever that is (A14)."""
    passwd = b"root:x:0:0:root:/root:/bin/sh\nbad:line\nu:x:1000:1000::/home/u:/bin/sh\nrel:x:1001:1::rel:/bin/sh\nv:x:01002:1::/v:\n"
    big = b"x:x:5:5::/x:/x\n" * 20000 + b"late:x:1003:1::/late:\n"

    def home(uid, make, env=("PATH=/bin",)):
        c = config("/inmate", "env")
        c["process"].update(env=list(env), user={"uid": uid, "gid": 0})
        path = box.bundle(c)
        os.mkdir(f"{path}/rootfs/etc")
        make(f"{path}/rootfs/etc/passwd")
        status, out = box.call("run", "--bundle", path, os.path.basename(path))
        return [line[9:] for line in out.splitlines() if line.startswith("env=HOME=")]

    def file(content):
        def make(path):
            with open(path, "wb") as f:
                f.write(content)
        return make
    for what, uid, make, want in (
            ("root's", 0, file(passwd), "/root"), ("a user's", 1000, file(passwd), "/home/u"), ("an unknown user's", 77, file(passwd), "/"),
            ("a relative one", 1001, file(passwd), "/"), ("beyond what is read", 1003, file(big), "/"), ("of an empty file", 0, file(b""), "/"),
            ("of a pipe", 0, os.mkfifo, "/"), ("of a device", 0, lambda p: os.symlink("/dev/zero", p), "/"),
            ("of a folder", 0, os.mkdir, "/"), ("of a link out of the root", 0, lambda p: os.symlink("../../../../../etc/passwd", p), "/")):
        have = home(uid, make)
        ok(f"HOME: {what}", have == [want], have)
    for name in ("passwd", "group"):
        huge(name)
    ok("HOME: one that is given stays", home(0, file(passwd), ("HOME=/given", "A=b")) == ["/given"])


def huge(name):
    """1 GiB of holes (CVE-2026-47262): for little time and memory."""
    c = config("/inmate", "env")
    c["process"].update(env=["PATH=/bin"], user={"uid": 1003, "gid": 1003})
    path = box.bundle(c)
    os.mkdir(f"{path}/rootfs/etc")
    with open(f"{path}/rootfs/etc/{name}", "w") as f:
        f.truncate(1 << 30)
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run(["prlimit", f"--as={8 << 20}", *box.command("run", "--bundle", path, os.path.basename(path))],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    ended, out = resource.getrusage(resource.RUSAGE_CHILDREN), p.stdout.decode()
    took = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    ok(f"1 GiB of /etc/{name}: within 5 s of CPU and 8 MiB of addresses (A14)", p.returncode == 0 and "env=HOME=/" in out and took < 5,
       f"{took} s\n{out}")


def limits():
    c = config("/inmate", "status", ",", "cat", "/proc/self/limits", ",", "sched")
    c["process"].update(
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}],
        oomScoreAdj=321, scheduler={"policy": "SCHED_BATCH", "nice": 5}, ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6})
    c["process"]["user"]["umask"] = 0o27
    c["linux"]["personality"] = {"domain": "LINUX32"}
    c["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}
    status, out = box.run(c)
    if status and "memoryPolicy" in out:
        del c["linux"]["memoryPolicy"]
        status, out = box.run(c)
    ok("resource limits", "Max open files            77                   99" in out, out)
    tight_limits()
    ok("OOM score", field(out, "oom") == "321", out)
    ok("umask", field(out, "umask") == "027", out)
    ok("scheduler", field(out, "policy") == "3" and field(out, "nice") == "5", out)
    ok("I/O priority", field(out, "ioprio") == str(2 << 13 | 6), out)
    ok("personality", field(out, "personality") == "8", out)
    if "memoryPolicy" in c["linux"]:
        ok("memory policy", field(out, "mempolicy") == "2", out)
    else:
        tap.skip("memory policy", "the kernel has no NUMA")
    schedulers()
    c = config("/inmate", "fds", ",", "status")
    c["process"]["cwd"] = "/made/by/box"
    status, out = box.run(c)
    ok("a working directory is made", field(out, "cwd") == "/made/by/box", out)
    status, a = box.run(config("/inmate", "keyring"))
    status, b = box.run(config("/inmate", "keyring"))
    own = subprocess.run([box.inmate, "keyring"], stdout=subprocess.PIPE).stdout.decode()
    ok("each has a session keyring of its own (A19)", len({field(t, "keyring") for t in (a, b, own)}) == 3, a + b + own)
    status, a = box.run(config("/inmate", "keyring"), "--no-new-keyring")
    ok("--no-new-keyring: it has the caller's", status == 0 and field(a, "keyring") == field(own, "keyring"), a + own)


def schedulers():
    """What the machine does not let us set ourselves is left out: a container cannot have it either."""
    deadline = {"runtime": 1000000, "deadline": 20000000, "period": 20000000}
    for policy, number, more in (("OTHER", 0, {"nice": -3}), ("FIFO", 1, {"priority": 7}), ("RR", 2, {"priority": 9}), ("IDLE", 5, {}),
                                 ("DEADLINE", 6, deadline)):
        own = subprocess.run(["chrt", *{"OTHER": ["--other"], "FIFO": ["--fifo"], "RR": ["--rr"], "IDLE": ["--idle"],
                              "DEADLINE": ["--deadline", "-T", "1000000", "-D", "20000000", "-P", "20000000"]}[policy],
                              str(more.get("priority", 0)), "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        c = config("/inmate", "sched")
        c["process"]["scheduler"] = {"policy": f"SCHED_{policy}", **more}
        if own.returncode:
            tap.skip(f"scheduler {policy}", f"the machine refuses it to us too: {own.stdout.decode().strip()}")
            continue
        status, out = box.run(c)
        ok(f"scheduler {policy}", status == 0 and field(out, "policy") == str(number) and
           field(out, "rtprio") == str(more.get("priority", 0)) and field(out, "nice") == str(more.get("nice", os.nice(0))), out)


def tight_limits():
    """They are the program's: making its container needs more."""
    c = config("/inmate", "cat", "/proc/self/limits")
    c["mounts"] += [mount(f"/tmp/{i}", "none", "bind", source="/proc/version") for i in range(70)]
    c["process"]["rlimits"] = [{"type": f"RLIMIT_{name}", "soft": n, "hard": n} for name, n in (
        ("NOFILE", 8), ("FSIZE", 1), ("AS", 1 << 24), ("DATA", 1 << 22), ("STACK", 1 << 20), ("NPROC", 1))]
    status, out = box.run(c)
    ok("limits below what the mounts need", status == 0 and "Max open files            8                    8" in out, out)
    c = config("/inmate", "cat", "/proc/self/limits")
    machine = int(field(open("/proc/self/status").read(), "CapBnd"), 16)
    hard = 4000 if machine & 1 << CAP_NUMBERS["CAP_SYS_RESOURCE"] else 300
    c["process"].update(user={"uid": 1000, "gid": 1000}, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 250, "hard": hard}])
    status, out = box.run(c, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300)))
    ok("limits above the caller's, for a user", f"Max open files            250                  {hard}" in out, out)


def lacking():
    """What whoever runs box has not to give."""
    c = config("/inmate", "status")
    for kind in ("bounding", "effective", "permitted"):
        c["process"]["capabilities"][kind] = ["CAP_CHOWN", "CAP_MKNOD"]
    path = box.bundle(c)
    p = subprocess.run(["setpriv", "--bounding-set", "-mknod", *box.command("run", "--bundle", path, os.path.basename(path))],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    out = p.stdout.decode()
    ok("a capability that box has not is left out with a warning", p.returncode == 0 and field(out, "CapEff") == f"{1:016x}" and
       "CAP_MKNOD cannot be granted" in out, out)
    path = box.bundle(config("/inmate", "status"))
    p = subprocess.run(["setpriv", "--groups", "5,7", "unshare", "-Urm", *box.command("run", "--bundle", path, os.path.basename(path))],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    out = p.stdout.decode()
    ok("groups that nobody can drop stay", p.returncode == 0 and field(out, "Groups") == "65534 65534", out)


mounts_before = open("/proc/self/mountinfo").read()
try:
    chosen = sys.argv[3:]
    for story in (identities, file_capabilities, groups, homes, limits, lacking):
        if not chosen or story.__name__ in chosen:
            story()
    ok("no mount is left", open("/proc/self/mountinfo").read() == mounts_before)
    ok("no container is left", [n for n in os.listdir(box.state) if not n.startswith(".")] == [], os.listdir(box.state))
finally:
    box.remove()
tap.end()
