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

# Inside: the user and the limits that the image and the compose file promise.
is "the notebook runs as jovyan 1000:100" "$($client "$URL" exec 'import os; print(os.getuid(), os.getgid(), os.environ["HOME"])')" \
	"1000 100 /home/jovyan"
is "it has no capabilities" "$($client "$URL" exec 'print([l.split()[1] for l in open("/proc/self/status") if l.startswith("CapEff")][0])')" 0000000000000000
is "it sees only its own processes" "$($client "$URL" exec 'import os; print(os.path.exists("/proc/1") and all("svd" not in open(f"/proc/{p}/comm").read() for p in os.listdir("/proc") if p.isdigit()))')" True
is "the image cannot be reached around the mounts" "$($client "$URL" exec 'import os; print(os.path.exists("/dev/vda"), os.path.exists("/images"))')" "False False"
is "no stale bytecode" "$($client "$URL" exec 'import subprocess; print(subprocess.run(["check-pyc"], capture_output=True).returncode)')" 0

# A kernel that takes more memory than there is.
before=$($client "$URL" sessions | wc -l)
$client "$URL" exec 'x = bytearray(4 << 30)
for i in range(0, len(x), 4096): x[i] = 1' >"$VM/oom" 2>&1
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
tap_done
