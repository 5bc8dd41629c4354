#!/bin/bash
# The heart: JupyterLab in the machine, driven from outside as a browser does, on a real notebook.
. "$(dirname "$0")/lib.sh"
. tests/vm/lib_run.bash
vm_need "$BOOT/../images/lab/image.json"
client=tests/vm/jupyter_client.py

# The digits notebook in a fresh machine; its outputs to $1.json.
run_digits() {
	ok "$1: the machine prints a URL" run_start
	is "$1: the URL answers 200 from here" "$(curl -sL --noproxy '*' -o /dev/null -w '%{http_code}' "$URL")" 200
	is "$1: without its token it does not" "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "${URL%%/lab*}/api/contents")" 403
	ok "$1: every cell of the digits notebook runs" $client "$URL" run work/digits.ipynb "$VM/$1.json"
	ok "$1: results agree with the committed ones to 12 digits" \
		tests/vm/check_digits.py tests/vm/digits.expected "$VM/$1.json" "$VM/$1.png"
}

run_digits first
ok "the saved notebook lies in the shared folder, owned by us" owned_by_us "$WORK/digits.ipynb"
$client "$URL" put work/made.txt tests/vm/digits.expected
ok "a file made in the notebook is ours on the host" owned_by_us "$WORK/made.txt"
ok "work outside the shared folder is saved too" $client "$URL" put kept.txt tests/vm/digits.expected

# Inside: what the image and the compose file promise, asked in one kernel, a line each.
$client "$URL" exec '
import os, subprocess
status = dict(l.split(":", 1) for l in open("/proc/self/status").read().splitlines())
names = [open(f"/proc/{p}/comm").read().strip() for p in os.listdir("/proc") if p.isdigit()]
print(os.getuid(), os.getgid(), os.environ["HOME"])
print(status["CapEff"].strip(), status["NoNewPrivs"].strip(), status["Seccomp"].strip())
print(any(n in ("svd", "boxd", "engined", "boxmon") for n in names))
print(os.path.exists("/dev/vda"), os.path.exists("/images"), os.access("/usr", os.W_OK))
print(open("/sys/fs/cgroup/memory.max").read().strip())
print(os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize)
print(subprocess.run(["check-pyc"], capture_output=True).returncode)
master, slave = os.openpty()
print(os.isatty(slave), os.ttyname(slave))
' >"$VM/inside"
fact() { is "$2" "$(sed -n "$1p" "$VM/inside")" "$3"; }
fact 1 "the notebook runs as jovyan 1000:100" "1000 100 /home/jovyan"
fact 2 "no capabilities, no new privileges, a seccomp filter" "0000000000000000 1 2"
fact 3 "it sees none of our daemons" False
fact 4 "no disk, no image folder, no system folder it may write" "False False False"
fact 5 "its memory limit is three quarters of the machine" 1610612736
fact 6 "/dev/shm is half of that" 805306368
fact 7 "no stale bytecode" 0
fact 8 "it has terminals" "True /dev/pts/0"

# A terminal is a login shell: it finds what the cells find.
$client "$URL" terminal 'command -v python pip jupyter; python -c "import numpy; print(6 * 7)"' >"$VM/inside"
is "a terminal knows python, pip and jupyter, and python the image's libraries" "$(tr '\n' ' ' <"$VM/inside")" \
	"/opt/lab/bin/python /opt/lab/bin/pip /opt/lab/bin/jupyter 42 "

# A kernel that takes more memory than there is.
before=$($client "$URL" sessions | wc -l)
$client "$URL" exec 'x = []
while True: x.append(bytearray(b"x") * (64 << 20))' >"$VM/oom" 2>&1
is "a kernel over the memory limit dies" $? 3
ok "the console says so in one sentence, with the limit" run_see '(memory|OOM).*([0-9]+ ?MiB|[0-9.]+ ?GiB)'
is "the server survives" "$(curl -sL --noproxy '*' -o /dev/null -w '%{http_code}' "$URL")" 200
is "and runs new kernels" "$($client "$URL" exec 'print(6 * 7)')" 42
ok "Ctrl-C stops the machine cleanly" run_stop

ok "the same data disk again: it boots" run_start
is "the saved work is there" "$($client "$URL" get kept.txt | sha256sum)" "$(sha256sum <tests/vm/digits.expected)"
ok "and stops" run_stop

rm -rf "$RUN"
fresh_work
run_digits second
ok "two fresh machines: the output cells are identical" cmp "$VM/first.json" "$VM/second.json"
ok "and stops" run_stop

rm -rf "$RUN"
ok "NB_UID=1234 NB_GID=4321: it boots" run_start NB_UID=1234 NB_GID=4321
$client "$URL" exec 'import os
print(os.getuid(), os.getgid(), sorted(os.getgroups()))
open("work/by_1234", "w").write("x")
open("settings", "w").write("x")
print(os.stat("work/by_1234").st_uid, os.access(".", os.W_OK))' >"$VM/inside"
fact 1 "the notebook runs with these ids, its home is writable by group 100" "1234 4321 [100]"
fact 2 "it writes to the shared folder as itself" "1234 True"
ok "and the file belongs to us on the host" owned_by_us "$WORK/by_1234"
ok "and stops" run_stop
tap_done
