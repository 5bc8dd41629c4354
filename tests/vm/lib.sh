# lib.sh - what every VM story needs: a machine that boots headless, a shell in it, its console, and TAP.
#
# A story boots with vm_boot, speaks to the emergency shell on the serial line with vm_sh, waits for events with vm_see
# (never for time: emulation is slow), and says its verdicts with ok / is / like. It ends with tap_done.
# The machine is built by qemu/lib, as in qemu/run. Nothing outlives the story.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

OUT=${O:-build} BOOT=${BOOT:-$OUT/boot} MEM=${MEM:-1G}
LIMIT=${LIMIT:-240}	# seconds until an event that never comes is a failure
TAP_COUNT=0 TAP_FAILED=0
QEMU_PID='' SHARE_AS=() SHARE_OWNER=''

say() { echo "# $*"; }
die() { echo "Bail out! $*"; exit 1; }
usage_die() { die "$@"; }

# What a story wants and the build lacks is a reason to skip it, said in one line.
vm_need() {
	local part
	for part; do
		[ -r "$part" ] || { echo "1..0 # SKIP $part is missing"; exit 77; }
	done
}
vm_need "$BOOT/vmlinux" "$BOOT/system.img" "$BOOT/cmdline"

for part in accel ports share machine; do
	# shellcheck source=/dev/null
	. qemu/lib/$part.sh
done
ACCEL=${ACCEL:-tcg}
VM=$(mktemp -d "${TMPDIR:-/tmp}/cuvette-vm.XXXXXX")
trap vm_finish EXIT
trap 'exit 1' INT TERM HUP

# --- TAP ---

ok() {	# name, then a command
	local name=$1
	shift
	TAP_COUNT=$((TAP_COUNT + 1))
	if "$@" >"$VM/last" 2>&1; then
		echo "ok $TAP_COUNT - $name"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		echo "not ok $TAP_COUNT - $name"
		tail -n 20 "$VM/last" | sed 's/^/#   /'
		return 1
	fi
}
is() {	# name, got, wanted
	[ "$2" = "$3" ] || set -- "$1" "$2" "$3" bad
	ok "$1" is_verdict "$@"
}
is_verdict() {
	[ $# -eq 3 ] || { printf 'got:    %s\nwanted: %s\n' "$2" "$3"; return 1; }
}
like() {	# name, got, extended regular expression
	ok "$1" like_verdict "$2" "$3"
}
like_verdict() {
	grep -Eq -- "$2" <<<"$1" || { printf 'wanted a line like %s in:\n%s\n' "$2" "$1"; return 1; }
}
not() { ! "$@"; }
tap_done() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" = 0 ] || tail -n 60 "$VM/console" 2>/dev/null | sed 's/^/# console: /'
	exit $((TAP_FAILED != 0))
}

# --- the machine ---

# vm_boot [NAME=VALUE...]: starts a machine on a data disk that later boots of the story find again.
# MACHINE NET PORT MEM CPUS SYSTEM CMDLINE DATA DATA_SIZE APPEND CONFIG SHARE_DIR CORRUPTION; EXTRA = more words for QEMU.
vm_boot() {
	local MACHINE=${MACHINE:-q35} NET=${NET:-none} SYSTEM=${SYSTEM:-$BOOT/system.img} DATA=${DATA-$VM/data.img} \
		APPEND=${APPEND:-} CONFIG=${CONFIG:-} EXTRA=${EXTRA:-} PORT=${PORT:-} REBOOT=${REBOOT:-} CORRUPTION=${CORRUPTION:-restart} \
		CMDLINE=${CMDLINE:-$BOOT/cmdline} DATA_SIZE=${DATA_SIZE:-} word words
	for word; do
		local "$word"
	done
	vm_kill
	rm -f "$VM"/*.in
	mkfifo "$VM/console.in" "$VM/control.in" "$VM/answers.in"
	: >"$VM/console"
	: >"$VM/control"
	: >"$VM/answers"
	rm -f "$VM/shell"
	share_own "$VM"/*
	exec {CONSOLE_IN}<>"$VM/console.in" {CONTROL_IN}<>"$VM/control.in" {ANSWERS_IN}<>"$VM/answers.in"
	[ -z "$DATA" ] || machine_data_image "$DATA"
	machine_base
	machine_kernel "cuvette.console=shell $APPEND"
	machine_disks "$SYSTEM" "$DATA"
	machine_port 1 control "$VM/control" "$VM/control.in"
	machine_port 3 answers "$VM/answers" "$VM/answers.in"
	machine_net
	[ -z "${SHARE_DIR:-}" ] || share_devices
	[ -z "$CONFIG" ] || QEMU_ARGS+=(-fw_cfg "name=opt/cuvette/config,file=$CONFIG")
	[ -n "$REBOOT" ] || QEMU_ARGS+=(-no-reboot)
	QEMU_ARGS+=(-chardev "file,id=console,path=$VM/console,input-path=$VM/console.in" -serial chardev:console)
	read -rd "" -a words <<<"$EXTRA"
	setsid "${SHARE_AS[@]}" setpriv --pdeathsig KILL qemu-system-x86_64 "${QEMU_ARGS[@]}" "${words[@]}" \
		</dev/null >"$VM/qemu.out" 2>&1 &
	QEMU_PID=$!
}

# vm_see PATTERN [FILE]: waits until a line of the console matches; fails when the machine ends or the limit passes.
vm_see() {
	local file=${2:-$VM/console} end=$((SECONDS + LIMIT))
	while ! grep -aEq -- "$1" "$file" 2>/dev/null; do
		if ! vm_alive; then
			grep -aEq -- "$1" "$file" 2>/dev/null && return 0
			echo "the machine ended before it said: $1"
			cat "$VM/qemu.out"
			return 1
		fi
		((SECONDS < end)) || { echo "not within $LIMIT s: $1"; tail -n 20 "$file"; return 1; }
		sleep 0.1
	done
}
vm_alive() { [ -n "$QEMU_PID" ] && kill -0 "$QEMU_PID" 2>/dev/null; }

# vm_sh COMMAND: runs it in the emergency shell; its output on stdout, its status as ours. It is typed on the console, where
# the daemons speak too; its answer comes over a port of its own (fd 3 of the shell).
vm_sh() {
	local mark from status end=$((SECONDS + LIMIT))
	[ -e "$VM/shell" ] || vm_shell_ready || return 125
	mark="mark-$BASHPID-${EPOCHREALTIME/[.,]/}"	# a counter would forget what it counted in $(vm_sh ...)
	from=$(stat -c %s "$VM/answers")
	printf '{ %s\n} >&3 2>&1; s=$?; echo >&3; echo %s $s >&3\n' "$1" "$mark" >&"$CONSOLE_IN"
	until status=$(tail -c "+$((from + 1))" "$VM/answers" | sed -n "s/^$mark \\([0-9]*\\)\$/\\1/p") && [ -n "$status" ]; do
		vm_alive || { echo "the machine ended during: $1"; return 125; }
		((SECONDS < end)) || { echo "not within $LIMIT s: $1"; return 124; }
		sleep 0.05
	done
	tail -c "+$((from + 1))" "$VM/answers" | sed "/^\$/d;/^$mark /d"
	return "$status"
}

# The shell is there when its prompt is; the boot is over when svd says so.
vm_shell_ready() {
	vm_see $'^(.*\r)?# ' && vm_see 'svd: [0-9]+ units ready' || return 1
	echo 'exec 3>/dev/vport0p3' >&"$CONSOLE_IN"
	: >"$VM/shell"
}

# A unit of svctl status (or svd itself): its process, and waiting until it is up.
vm_pid() { vm_sh 'svctl status' | awk -v u="$1" '$1 == u { print $3 }'; }
vm_up() {
	vm_sh "i=0; until svctl status 2>/dev/null | grep -q '^$1 .*up' || [ \$i = 60 ]; do sleep 1; i=\$((i+1)); done; svctl status"
}

# vm_gone: waits until the machine is off by itself.
vm_gone() {
	local end=$((SECONDS + LIMIT))
	while vm_alive; do
		((SECONDS < end)) || { echo "still running after $LIMIT s"; return 1; }
		sleep 0.1
	done
	wait "$QEMU_PID" 2>/dev/null
	QEMU_PID=
}

# The plug is pulled.
vm_kill() {
	[ -z "$QEMU_PID" ] || kill -KILL "$QEMU_PID" 2>/dev/null
	[ -z "$QEMU_PID" ] || wait "$QEMU_PID" 2>/dev/null
	QEMU_PID=
}

vm_finish() {
	vm_kill
	rm -rf "$VM"
}
