#!/bin/bash
# netd and the real gateways together: containers on several networks, a world with a resolver, and what of all kinds of
# addresses each of them reaches. In network, mount and pid namespaces of the story's own. The story is gate_whole.py.
# usage: tests/system/gate_whole.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
skip() { echo "1..0 # SKIP $1"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd) out=${O:-build}
bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) || skip "build netd first"
[ -x "$bin/netd" ] && [ -x "$bin/gated" ] || skip "build netd and gated first"
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	skip "needs the machine's root, not one of a user namespace"
[ -c /dev/net/tun ] || skip "the machine has no /dev/net/tun"
command -v dig >/dev/null || skip "no dig: tools/enter --set test"
cc="$out/sysroot/bin/musl-gcc" work=$out/test/gate_whole
[ -x "$cc" ] || skip "no musl-gcc: make first"
mkdir -p "$work"
"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Iruntime -static -o "$work/netctl" "$here/netctl.c" \
	runtime/lib/{address,err,fd,log,msg,str,time}.c runtime/wire/wire.c || exit 1
BIN=$bin WORK=$(cd "$work" && pwd) exec unshare --net --mount --pid --fork --mount-proc --kill-child bash -c '
	mount -t tmpfs -o mode=755 run /run &&
	mkdir -p /run/{upper,work,net} &&
	mount -t overlay -o lowerdir=/usr/lib,upperdir=/run/upper,workdir=/run/work overlay /usr/lib &&
	mkdir -p /usr/lib/cuvette &&
	cp "$BIN/netd" "$BIN/gated" /usr/lib/cuvette/ && cp "$WORK/netctl" /run/netctl &&
	ip link set lo up &&
	exec python3 "$0"' "$here/gate_whole.py"
