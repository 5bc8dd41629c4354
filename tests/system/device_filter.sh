#!/bin/bash
# Device rules as BPF programs on this machine's kernel: attached to a cgroup, asked by opening devices.
# usage: tests/system/device_filter.sh   (needs the machine's root, cgroup v2 and BPF in the kernel)
set -u
skip() { echo "1..0 # SKIP $1"; exit 77; }

if [ "${1-}" != --inside ]; then
	out=${O:-build} here=$(dirname "$0")
	cc="$out/sysroot/bin/musl-gcc" work=$out/test/device_filter
	[ -x "$cc" ] || skip "no musl-gcc: make first"
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	mkdir -p "$work"
	"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -o "$work/driver" "$here/../vm/cgroup_driver.c" \
		runtime/box/{cgroup*,device_*}.c runtime/oci/*.c \
		runtime/lib/{arena,buf,err,fd,fs,json,json_write,log,str,time}.c -lyyjson || exit 1
	exec unshare --mount env driver="$(cd "$work" && pwd)/driver" bash "$0" --inside
fi

umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || skip "no cgroup v2 can be mounted here"
# Nodes of the test's own: what the machine has in /dev is its business.
mount -t tmpfs -o mode=755 devices /mnt || skip "no tmpfs can be mounted at /mnt"
cd /mnt || exit 1
mknod zero c 1 5; mknod kmsg c 1 11; mknod null c 1 3; mknod loop b 7 0
cg=/box-device-filter-$$
d() { "$driver" "$@" 2>&1; }
trap 'd kill "$cg" >/dev/null; d remove "$cg" 5000 >/dev/null' EXIT
d create "$cg" '{}' >/dev/null || skip "no cgroup can be made here"
[ "$(d filter "$cg" '{"devices":[]}')" = attached ] || skip "the kernel has no BPF for cgroups"

n=0 bad=0
is() {
	n=$((n + 1))
	[ "$2" = "$3" ] && { echo "ok $n - $1"; return; }
	bad=$((bad + 1))
	printf 'not ok %d - %s\n#   got:    %s\n#   wanted: %s\n' $n "$1" "$2" "$3"
}
asked() { d enter "$cg" "$@" | paste -sd ' '; }
all="read done write done both done" none="read EPERM write EPERM both EPERM"

is "without rules: zero as always" "$(asked open zero)" "$all"
is "without rules: no kmsg" "$(asked open kmsg)" "$none"
is "any node may be made" "$(asked mknod 250)" "mknod done"
is "all but loop" "$(d filter "$cg" '{"devices":[{"allow":true,"access":"rwm"},{"allow":false,"type":"b","major":7,"access":"rwm"}]}')" attached
is "kmsg opens, by a program in place of the first" "$(asked open kmsg)" "$all"
is "loop does not" "$(asked open loop)" "$none"
is "read alone" "$(d filter "$cg" '{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}]}')" attached
is "kmsg is read only" "$(asked open kmsg)" "read done write EPERM both EPERM"
is "write with a rule of its own" "$(d filter "$cg" '{"devices":[{"allow":true,"type":"c","major":1,"minor":11,"access":"r"},{"allow":true,"type":"c","major":1,"minor":11,"access":"w"}]}')" attached
is "both rights together" "$(asked open kmsg)" "$all"
is "write taken away again" "$(d filter "$cg" '{"devices":[{"allow":true,"access":"rwm"},{"allow":false,"type":"c","major":1,"access":"w"}]}')" attached
is "kmsg is read only again" "$(asked open kmsg)" "read done write EPERM both EPERM"
is "null is never taken away" "$(asked open null)" "$all"
is "three hundred rules" "$(d filter "$cg" "{\"devices\":[$(for i in $(seq 300); do printf '{"allow":false,"type":"c","major":%d,"access":"w"},' $((300 + i)); done){\"allow\":true,\"type\":\"b\",\"major\":7,\"minor\":0,\"access\":\"rw\"}]}")" attached
is "the last of them counts" "$(asked open loop | sed 's/EROFS\|ENXIO/done/g')" "$all"
"$driver" enter "$cg" open kmsg >/dev/null
is "outside of the cgroup nothing has changed" "$(head -c 0 kmsg && echo opens)" opens
echo "1..$n"
exit $((bad > 0))
