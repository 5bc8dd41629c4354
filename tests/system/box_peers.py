"""box_peers.py BOX INMATE - those that a starting container talks to: hooks, a console socket, the kernel's seccomp and a
supervisor of it (SECURITY.md A5, A25). Prints TAP."""
import errno
import fcntl
import itertools
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading

from boxlib import Box, Tap, config, field, listen, read_terminal, receive_fd, user_namespace

RACES = int(os.environ.get("RACE_ITERATIONS", 300))
SWAPPER = os.path.join(os.path.dirname(sys.argv[2]), "swapper")
tap = Tap("box peers")
ok = tap.ok
box = Box(sys.argv[1], sys.argv[2])


# ---- hooks (A25)
def hook(out, *args, env=None, **more):
    h = {"path": box.inmate, "args": ["inmate", "hook", out, *args], **more}
    if env is not None:
        h["env"] = env
    return h


KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def hooks():
    out_file = os.path.join(box.place, "hooks")
    c = config("/inmate", "exit", "0")
    c["process"]["env"] += ["LD_PRELOAD=/evil.so", "EVIL=1"]
    c["annotations"] = {"org.test": "x"}
    c["hooks"] = {k: [hook(out_file, k, "1"), hook(out_file, k, "2", env=["A=b", "PATH=/only"])] for k in KINDS}
    c["hooks"]["startContainer"] = [{"path": "/inmate", "args": ["inmate", "hook", "/tmp/inside", "startContainer"]}]
    path = box.bundle(c)
    name = os.path.basename(path)
    os.environ["FROM_CALLER"] = "1"
    status, said = box.call("run", "--bundle", path, name)
    if os.path.exists(os.path.join(box.state, name)):
        box.call("delete", "--force", name)
    text = open(out_file).read() + open(f"{path}/rootfs/tmp/inside").read()
    calls = [block.splitlines() for block in text.split("hook cwd=")[1:]]
    order = [next(l[4:] for l in block if l.startswith("arg=") and l[4:] in KINDS) for block in calls]
    ok("each kind in its order", status == 0 and order == ["prestart", "prestart", "createRuntime", "createRuntime", "createContainer",
       "createContainer", "poststart", "poststart", "poststop", "poststop", "startContainer"], f"{said}{order}")
    envs = [[l[4:] for l in block if l.startswith("env=")] for block in calls]
    ok("exactly their own environment", envs == [[], ["A=b", "PATH=/only"]] * 5 + [[]], envs)
    ok("fds are 0, 1, 2", all("fds=0,1,2," in block or "fds=0,1,2,3," in block for block in calls), calls)
    states = [json.loads(next(l[6:] for l in block if l.startswith("state="))) for block in calls]
    want = ["creating"] * 6 + ["running"] * 2 + ["stopped"] * 2 + ["created"]
    ok("the state says where they are", [s["status"] for s in states] == want, [s["status"] for s in states])
    ok("it has id, bundle and annotations", all(s["id"] == name and s["bundle"] == path and s["annotations"] == {"org.test": "x"} and
       s["ociVersion"] == "1.3.0" for s in states), states[0])
    ok("the pid is the runtime's outside and the container's inside", states[0]["pid"] == states[2]["pid"] > 1 and states[4]["pid"] == 1 and
       states[10]["pid"] == 1, [s.get("pid") for s in states])
    cwds = [block[0] for block in calls]
    ok("they run in the bundle, never in the container's root", all(w == path for w in cwds[:4] + cwds[4:6]) and cwds[10] == "/", cwds)
    failures(out_file)


def failures(out_file):
    for kind in KINDS:
        open(out_file, "w").close()
        mark = os.path.join(box.place, "mark")
        c = config("/inmate", "write", "/tmp/ran", "x")
        c["hooks"] = {"poststop": [hook(out_file, "poststop")]}
        bad = {"path": "/inmate" if kind == "startContainer" else box.inmate, "args": ["inmate", "exit", "3"]}
        c["hooks"][kind] = [bad] + c["hooks"].get(kind, [])
        path = box.bundle(c)
        open(f"{path}/rootfs/tmp/ran", "w").close()
        name = os.path.basename(path)
        status, said = box.call("run", "--bundle", path, name)
        ran = open(f"{path}/rootfs/tmp/ran").read() == "x"
        left = os.path.exists(os.path.join(box.state, name))
        if kind == "poststart":     # the program has begun, and may have come to its end
            ok("a poststart hook that fails ends the container", status != 0 and not left and "poststart hook 0" in said and "status 3" in said, said)
        elif kind == "poststop":
            ok(f"a {kind} hook that fails is a warning", status == 0 and ran and not left, said)
        else:
            ok(f"a {kind} hook that fails ends the start", status != 0 and not ran and not left and
               f"{kind} hook 0" in said and "status 3" in said, said)
        ok("and poststop ran all the same", "arg=poststop" in open(out_file).read(), said)
    c = config("/inmate", "exit", "0")
    c["hooks"] = {"createRuntime": [{"path": box.inmate, "args": ["inmate", "sleep"], "timeout": 1}]}
    status, said = box.run(c)
    ok("a hook that hangs is killed after its timeout", status != 0 and "timeout of 1 s" in said, said)


# ---- terminal
def terminal():
    for user_ns in (False, True):
        c = config("/inmate", "tty")
        c["process"].update(terminal=True, consoleSize={"height": 41, "width": 123}, user={"uid": 1000, "gid": 1000})
        if user_ns:
            user_namespace(c)
        listener, path = listen(box, f"console{int(user_ns)}")
        name, status, out = box.create(c, "--console-socket", path)
        where = " in a user namespace" * user_ns
        ok(f"a container with a terminal is created{where}", status == 0, out)
        if status:
            continue
        master, text, _ = receive_fd(listener)
        ok(f"the master's message has a name{where}", text.startswith(b"/dev/pts/"), text)
        status, out = box.call("start", name)
        said = read_terminal(master)
        ok(f"0, 1, 2 are the terminal{where}", field(said, "tty") == "111", said)
        ok(f"its size{where}", field(said, "size") == "41x123", said)
        ok(f"it is the controlling one{where}", field(said, "controlling") == "done", said)
        ok(f"/dev/console is the same{where}", field(said, "console") == "same", said)
        ok(f"it belongs to the user{where}", field(said, "owner") == "1000", said)
        box.call("delete", "--force", name)
    # CVE-2025-52565: what an image puts there is not what is covered or opened.
    for what, place in (("a link at /dev/console", "console"), ("a link at /dev", "..")):
        c = config("/inmate", "tty")
        c["process"]["terminal"] = True
        c["mounts"] = [m for m in c["mounts"] if m["destination"] in ("/proc",)]
        canary = os.path.join(box.place, "canary")
        open(canary, "w").write("whole")
        path = box.bundle(c)
        if place == "console":
            os.symlink("../../canary", f"{path}/rootfs/dev/console")
        else:
            os.rmdir(f"{path}/rootfs/dev")
            os.symlink("/tmp", f"{path}/rootfs/dev")
        listener, sock = listen(box, "console")
        status, out = box.call("create", "--console-socket", sock, "--bundle", path, os.path.basename(path))
        ok(f"{what} is refused", status != 0 and open(canary).read() == "whole" and not os.path.exists(f"{path}/rootfs/tmp/console"), out)


def race_for_the_terminal():
    """A5: /dev/console and /dev/pts of the image are exchanged for links out of it while a container with a terminal is made."""
    c = user_namespace(config("/inmate", "exit", "0"))
    c["process"]["terminal"] = True
    c["mounts"] = [m for m in c["mounts"] if m["destination"] in ("/proc", "/dev/pts")]
    path = box.bundle(c)
    dev, canary, folder = f"{path}/rootfs/dev", os.path.join(box.place, "canary"), os.path.join(box.place, "canaries")
    open(canary, "w").write("whole")
    os.mkdir(folder)
    os.mkdir(f"{dev}/pts")
    os.chown(dev, 1 << 20, 1 << 20)
    open(f"{dev}/console", "w").close()
    os.symlink("../../../canary", f"{dev}/evil")
    os.symlink("../../../canaries", f"{dev}/evil.pts")
    facts = lambda: [(open(canary).read(), os.listdir(folder))] + [(s.st_uid, s.st_gid, s.st_mode, s.st_ino) for s in map(os.lstat, (canary, folder))]
    before, mounts = facts(), open("/proc/self/mountinfo").read()
    listener, sock = listen(box, "console")
    swapper = subprocess.Popen([SWAPPER, f"{dev}/console", f"{dev}/evil", f"{dev}/pts", f"{dev}/evil.pts"])
    name, made = os.path.basename(path), 0
    for _ in range(RACES):
        status, said = box.call("create", "--console-socket", sock, "--bundle", path, name)
        made += status == 0
        if select.select([listener], [], [], 0)[0]:
            connection, _ = listener.accept()
            connection.close()
        if status == 0:
            box.call("delete", "--force", name)
    ok("A5: the adversary lived to the end", swapper.poll() is None)
    swapper.kill()
    swapper.wait()
    print(f"# A5: {made} made, {RACES - made} refused")
    ok(f"A5: {RACES} terminals, nothing outside has changed", facts() == before and open("/proc/self/mountinfo").read() == mounts, facts())
    ok("A5: some won", made > 0, said)


# ---- seccomp
NOTIF_RECV, NOTIF_SEND = 0xc0502100, 0xc0182101


def profile(*rules, **more):
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": names, "action": action, **extra} for names, action, extra in rules], **more}


def seccomp():
    for nnp, uid, user_ns in itertools.product((True, False), (0, 1000), (True, False)):
        c = config("/inmate", "make", "/tmp/x", ",", "status")
        if user_ns:
            user_namespace(c)
        c["process"].update(noNewPrivileges=nnp, user={"uid": uid, "gid": uid})
        c["linux"]["seccomp"] = profile((["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", {"errnoRet": errno.EMLINK}))
        status, out = box.run(c)
        ok(f"a filter with its errno, user {uid}{'' if nnp else ', without no_new_privs'}{' in a user namespace' * user_ns}",
           field(out, "make") == os.strerror(errno.EMLINK) and field(out, "Seccomp") == "2", out)
    for action, want in (("SCMP_ACT_KILL_PROCESS", 128 + signal.SIGSYS), ("SCMP_ACT_KILL", 128 + signal.SIGSYS),
                         ("SCMP_ACT_KILL_THREAD", 128 + signal.SIGSYS), ("SCMP_ACT_TRAP", 128 + signal.SIGSYS)):
        c["linux"]["seccomp"] = profile((["mkdir", "mkdirat"], action, {}))
        status, out = box.run(c)
        ok(f"{action}", status == want, f"{status} {out}")
    for action, want in (("SCMP_ACT_LOG", "done"), ("SCMP_ACT_TRACE", os.strerror(errno.ENOSYS)), ("SCMP_ACT_ALLOW", "done")):
        c["linux"]["seccomp"] = profile((["mkdir", "mkdirat"], action, {}))
        status, out = box.run(c)
        ok(f"{action}", field(out, "make") == want, out)
    c["linux"]["seccomp"] = profile((["mkdir"], "SCMP_ACT_ERRNO", {}), flags=["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
    status, out = box.run(c)
    ok("flags are taken by the kernel", status == 0 and "not permitted" in out, out)
    for action, want in (("SCMP_ACT_KILL_PROCESS", 128 + signal.SIGSYS), ("SCMP_ACT_ERRNO", None)):
        c["linux"]["seccomp"] = {"defaultAction": action}
        status, out = box.run(c)
        ok(f"a profile that forbids everything with {action} ends at once", status == want if want else status > 0, f"{status} {out}")
    same = [{"index": 0, "value": v, "op": "SCMP_CMP_EQ"} for v in (1 << 40, 2 << 40)]
    c["linux"]["seccomp"] = profile((["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", {"errnoRet": 5, "args": same}),
                                    flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
    status, out = box.run(c)
    ok("two conditions on one argument, and a listener's flag without one", field(out, "make") == "done", out)
    operators(c)
    kept = os.path.join(box.state, ".seccomp")
    before = set(os.listdir(kept))
    c["linux"]["seccomp"] = profile((["mkdir", "rmdir"], "SCMP_ACT_ERRNO", {}))
    first = box.run(c)[1]
    new = set(os.listdir(kept)) - before
    status, out = box.run(c)
    ok("a compiled profile is kept and used again", len(new) == 1 and set(os.listdir(kept)) == before | new and
       "not permitted" in first and "not permitted" in out, new)
    newest = os.path.join(kept, new.pop())
    size = os.path.getsize(newest)
    os.truncate(newest, size - 3)
    status, out = box.run(c)
    ok("a broken file there is made again", "not permitted" in out and os.path.getsize(newest) == size, out)
    os.chmod(newest, 0o622)
    status, out = box.run(c)
    ok("one that others may write is not believed", os.stat(newest).st_mode & 0o022 == 0 and "not permitted" in out, out)
    notify()


def operators(c):
    """Each operator on lseek's offset, from the call as the kernel sees it: which offsets the rule takes."""
    offsets = (0, 1, 5, 6, 7, 0xf5, 1 << 32, (1 << 32) + 5, (1 << 32) + 6)
    masked = {"value": 0xf, "valueTwo": 5}
    for op, args, takes in (
            ("NE", {"value": 6}, lambda v: v != 6), ("LT", {"value": 6}, lambda v: v < 6), ("LE", {"value": 6}, lambda v: v <= 6),
            ("EQ", {"value": 6}, lambda v: v == 6), ("GE", {"value": 6}, lambda v: v >= 6), ("GT", {"value": 6}, lambda v: v > 6),
            ("EQ", {"value": (1 << 32) + 6}, lambda v: v == (1 << 32) + 6), ("GT", {"value": 1 << 32}, lambda v: v > 1 << 32),
            ("MASKED_EQ", masked, lambda v: v & 0xf == 5)):
        rule = {"errnoRet": errno.EMLINK, "args": [{"index": 1, "op": f"SCMP_CMP_{op}", **args}]}
        c["linux"]["seccomp"] = profile((["lseek"], "SCMP_ACT_ERRNO", rule))
        c["process"]["args"] = ["/inmate", *" , ".join(f"seek {v}" for v in offsets).split()]
        status, out = box.run(c)
        have = [field(out, f"seek {v}") for v in offsets]
        ok(f"{op} {args['value']}", have == [os.strerror(errno.EMLINK) if takes(v) else "done" for v in offsets], out)
    # box leaves TSYNC out, since it has one thread: it must not be in the way.
    c["process"]["args"] = ["/inmate", "make", "/tmp/x", ",", "status"]
    c["linux"]["seccomp"] = profile((["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", {}), flags=["SECCOMP_FILTER_FLAG_TSYNC"])
    status, out = box.run(c)
    ok("TSYNC", field(out, "make") == os.strerror(errno.EPERM) and field(out, "Seccomp") == "2", out)


def pids_of(pid):
    """What the process is called outside and inside."""
    return next(line.split()[1:] for line in open(f"/proc/{pid}/status") if line.startswith("NSpid:"))


def notify():
    for what, names, nnp in (("one call", ["mkdir", "mkdirat"], True), ("every call that could send the listener",
                             ["mkdir", "mkdirat", "sendmsg", "sendto", "close", "capset", "wait4"], False)):
        listener, path = listen(box, "listener")
        c = config("/inmate", "make", "/tmp/x")
        c["process"]["noNewPrivileges"] = nnp
        c["linux"]["seccomp"] = profile((names, "SCMP_ACT_NOTIFY", {}), listenerPath=path, listenerMetadata="meta data")
        c["annotations"] = {"a": "b"}
        message = {}

        def supervise():
            fd, text, _ = receive_fd(listener)
            message.update(json.loads(text), ids=pids_of(json.loads(text)["pid"]))
            while True:
                request = bytearray(80)
                try:
                    fcntl.ioctl(fd, NOTIF_RECV, request)
                except OSError:
                    break
                ident, _, _, number = struct.unpack_from("QIIi", request)
                # continue all but mkdir
                answer = struct.pack("QqiI", ident, 0, -errno.EMLINK, 0) if number in (83, 258) else struct.pack("QqiI", ident, 0, 0, 1)
                try:
                    fcntl.ioctl(fd, NOTIF_SEND, bytearray(answer))
                except OSError:
                    pass
            os.close(fd)

        thread = threading.Thread(target=supervise, daemon=True)
        thread.start()
        bundle = box.bundle(c)
        name = os.path.basename(bundle)
        status, out = box.call("run", "--bundle", bundle, name)
        ok(f"notify of {what}: the supervisor answers", field(out, "make") == os.strerror(errno.EMLINK), out)
        ids = message.pop("ids", [])
        ok("its message is the specification's", message == {
            "ociVersion": "1.3.0", "fds": ["seccompFd"], "pid": message.get("pid"), "metadata": "meta data",
            "state": {"ociVersion": "1.3.0", "id": name, "status": "creating", "pid": message.get("pid"), "bundle": bundle,
                      "annotations": {"a": "b"}}}, message)
        ok("its pid is the container's process, as the supervisor sees it", ids == [str(message.get("pid")), "1"], ids)
    notify_of_exec()
    c["linux"]["seccomp"]["listenerPath"] = "/nosuch/socket"
    status, out = box.run(c)
    ok("a supervisor that is not there is an error", status != 0 and "listenerPath" in out, out)


def notify_of_exec():
    """An exec brings a listener of its own; what nobody supervises fails with ENOSYS."""
    listener, path = listen(box, "listener")
    c = config("/inmate", "sleep")
    c["linux"]["seccomp"] = profile((["mkdir", "mkdirat"], "SCMP_ACT_NOTIFY", {}), listenerPath=path)
    name, status, out = box.create(c)
    status, out = box.call("start", name)
    first, text, _ = receive_fd(listener)
    status, out = box.call("exec", name, "/inmate", "exit", "6")
    fd, text, _ = receive_fd(listener)
    message = json.loads(text)
    ok("an exec's message has its own pid and the running container's state", status == 6 and message == {
        "ociVersion": "1.3.0", "fds": ["seccompFd"], "pid": message["pid"],
        "state": {"ociVersion": "1.3.0", "id": name, "status": "running", "pid": box.pid(name),
                  "bundle": os.path.join(box.place, name), "annotations": {}}} and message["pid"] != box.pid(name), message)
    box.call("delete", "--force", name)
    os.close(first)
    os.close(fd)


mounts_before = open("/proc/self/mountinfo").read()
try:
    chosen = sys.argv[3:]
    for story in (hooks, terminal, race_for_the_terminal, seccomp):
        if not chosen or story.__name__ in chosen:
            story()
    ok("no mount is left", open("/proc/self/mountinfo").read() == mounts_before)
    ok("no container is left", [n for n in os.listdir(box.state) if not n.startswith(".")] == [], os.listdir(box.state))
finally:
    box.remove()
tap.end()
