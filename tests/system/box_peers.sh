#!/bin/sh
# Hooks, terminals and seccomp of real containers, on this kernel. The story is box_peers.py.
# usage: tests/system/box_peers.sh   (BIN=DIR: where box is, default build/bin; RACE_ITERATIONS=300)
out=${O:-build} here=$(dirname "$0")
bin=${BIN:-$out/bin} cc=$out/sysroot/bin/musl-gcc work=$out/test/box_peers
[ -x "$bin/box" ] || { echo "1..0 # SKIP build box first"; exit 77; }
"$bin/box" exec --help >/dev/null 2>&1 || { echo "1..0 # SKIP this box has no exec yet"; exit 77; }
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	{ echo "1..0 # SKIP needs the machine's root, not one of a user namespace"; exit 77; }
[ -x "$cc" ] || { echo "1..0 # SKIP no musl-gcc: make first"; exit 77; }
mkdir -p "$work"
for program in inmate swapper; do
	"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -o "$work/$program" "$here/$program.c" || exit 1
done
exec unshare --mount --net --pid --fork --kill-child --mount-proc python3 "$here/box_peers.py" "$bin/box" "$work/inmate"
