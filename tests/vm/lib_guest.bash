# lib_guest.bash - what a story in the guest of lib_peers.bash starts with: cgroups, a place to write, TAP on the port.

set -u
[ -e /dev/vport0p1 ] && exec >/dev/vport0p1 2>&1
cd /tmp || exit 1
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
done
echo 1 >/proc/sys/vm/overcommit_memory
echo peers >/proc/sys/kernel/hostname
TAP_COUNT=0 TAP_FAILED=0

say() { echo "# $*"; }
# ok NAME COMMAND...
ok() {
	local name=$1
	shift
	TAP_COUNT=$((TAP_COUNT + 1))
	if "$@" >/tmp/verdict 2>&1; then
		echo "ok $TAP_COUNT - $name"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		echo "not ok $TAP_COUNT - $name"
		tail -n 12 /tmp/verdict | cut -c1-600 | sed 's/^/#   /'
	fi
}
is() { ok "$1" is_verdict "$2" "$3"; }	# NAME GOT WANTED
is_verdict() { [ "$1" = "$2" ] || { printf 'got:    %s\nwanted: %s\n' "$1" "$2"; return 1; }; }
like() { ok "$1" like_verdict "$2" "$3"; }	# NAME GOT EXTENDED-REGULAR-EXPRESSION
like_verdict() { grep -Eq -- "$2" <<<"$1" || { printf 'wanted a line like %s in:\n%s\n' "$2" "$1"; return 1; }; }
not() { ! "$@"; }
# within SECONDS COMMAND...: waits for an event
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}
# part NAME COMMAND...: another story, whose TAP goes on here; also one that ends without a word has failed
part() {
	local name=$1 status=0
	shift
	say "$name at $SECONDS s"
	"$@" || status=$?
	[ $status = 0 ] || echo "not ok - $name ended with status $status"
}
tap_done() { echo "1..$TAP_COUNT"; exit $((TAP_FAILED != 0)); }
