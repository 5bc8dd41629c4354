#!/bin/bash
# qemu/run's settings: every bad one is one clear sentence and status 2 before anything is made or booted.
set -u
cd "$(dirname "$0")/../.." || exit 1
t=$(mktemp -d "${TMPDIR:-/tmp}/settings.XXXXXX")
trap 'rm -rf "$t"' EXIT
number=0 failed=0
tap() {	# name, status
	number=$((number + 1))
	[ "$2" = 0 ] && { echo "ok $number - $1"; return; }
	failed=$((failed + 1))
	echo "not ok $number - $1"
	tail -n 5 "$t/said" | sed 's/^/#   /'
}

# The kernel and the system that would boot are empty: what gets past the check dies in QEMU, not here.
mkdir "$t/boot" "$t/work"
touch "$t/boot/vmlinux" "$t/boot/system.img" "$t/boot/cmdline"
echo 'print(1)' >"$t/work/a.py"
run() {	# SETTING...: the status; what it says is in said
	local status=0
	env "${run_base[@]}" "$@" timeout -k 5 60 "${run_words[@]}" </dev/null >"$t/said" 2>&1 || status=$?
	return "$status"
}
run_base=(CUVETTE_INSIDE=1 BOOT="$t/boot" RUN="$t/run" WORK="$t/work" DATA=none ACCEL=tcg)
run_words=(qemu/run)
one_sentence() { [ "$(wc -l <"$t/said")" = 1 ] && grep -Eq -- "^qemu/run: .*$1" "$t/said"; }

refused() {	# words of the sentence, SETTING...
	local words=$1 status=0
	shift
	run "$@" || status=$?
	[ "$status" = 2 ] && one_sentence "$words" && [ ! -e "$t/run" ]
	tap "${1:0:40}: $words" $?
}
while IFS='|' read -r setting words; do
	refused "$words" "$setting"
done <<'TABLE'
MACHINE=foo|MACHINE=foo is not known: take q35 or microvm
ACCEL=icount|take auto, kvm or tcg
NET=foo|take user or none
SHARE=foo|take 9p, virtiofs or none
CONSOLE=foo|take log or shell
CONSOLE=shell|CONSOLE=shell wants a terminal
CORRUPTION=foo|take restart or panic
CPUS=0|CPUS=0 is not a number from 1 to 64
CPUS=two|not a number
CPUS=65|from 1 to 64
CPUS=1; reboot|not a number
PORT=0|PORT=0 is not a number from 1 to 65535
PORT=99999|from 1 to 65535
PORT=http|not a number
FORWARD=http|FORWARD: http is not a port: write 8080, 9000:80
FORWARD=8080 0|FORWARD: 0 is not a port
FORWARD=8080,8081|8080,8081 is not a port: .*blanks between
FORWARD=99999|FORWARD: 99999 is beyond 65535
FORWARD=80:70000|FORWARD: 80:70000 is beyond
FORWARD=53/sctp|53/sctp is not a port
FORWARD=8080 8080:80|FORWARD has port 8080 of 127.0.0.1 twice
NB_UID=abc|NB_UID=abc is not a number from 1 to 65535
NB_UID=0|from 1 to 65535
NB_UID=010|not a number
NB_GID=65536|from 1 to 65535
NB_GID=a[$(touch nosuch)]|not a number
MEM=abc|MEM=abc is not a size: give it like 2G or 4096M
MEM=64M|MEM=64M is too small: give 512M or more
MEM=64|too small
MEM=-1G|not a size
MEM=2Q|not a size
DATA_SIZE=x|DATA_SIZE=x is not a size
DATA_SIZE=1M|DATA_SIZE=1M is too small
JUPYTER_TOKEN=a b|JUPYTER_TOKEN may hold letters, digits
JUPYTER_TOKEN=a/b|because it stands in a URL
JUPYTER_TOKEN=ä|because it stands in a URL
TABLE
refused 'JUPYTER_TOKEN is longer than 256' JUPYTER_TOKEN="$(printf '%0257d' 0)"
refused 'FORWARD wants a network card: not with NET=none' FORWARD=8080 NET=none
refused 'APPEND has a line break' APPEND=$'quiet\nnosmp'
! grep -q 'a/b' <<<"$(run JUPYTER_TOKEN=a/b; cat "$t/said")"
tap "a refused token is not shown" $?

# Paths are looked at after the settings: they make folders.
run WORK="$t/work/a.py"
[ $? = 2 ] && one_sentence 'a.py is not a folder'
tap "WORK that is a file: 2" $?
run DATA="$t/nosuch/data.img"
[ $? = 2 ] && grep -q "^qemu/run: cannot make the data disk $t/nosuch/data.img: make its folder" "$t/said"
tap "DATA in no folder: 2" $?

# Good ones get as far as QEMU, which has nothing to boot here.
run_words=(qemu/run --batch "$t/work/a.py")
for setting in MEM=2g MEM=1024 CPUS=1 MACHINE=microvm JUPYTER_TOKEN=a-._~Z9 'NB_UID=1234 NB_GID=65535' NET=none SHARE=none; do
	# shellcheck disable=SC2086
	run $setting
	[ $? = 125 ] && grep -q 'starting .* with tcg' "$t/said"
	tap "$setting is taken" $?
done
grep -Eq '^QEMU: .*vmlinux' "$t/said"
tap "QEMU's own sentence is shown when it ends at once" $?
grep -q "its console: $t/run/console.log" "$t/said"
tap "and the console's place" $?
echo "1..$number"
exit $((failed != 0))
