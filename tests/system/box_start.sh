#!/bin/sh
# How a container starts: real ones from bundles, on this kernel. The story is box_start.py.
# usage: tests/system/box_start.sh   (BIN=DIR: where box is, default build/bin; RACE_ITERATIONS=300)
out=${O:-build} here=$(dirname "$0")
bin=${BIN:-$out/bin} cc=$out/sysroot/bin/musl-gcc work=$out/test/box_start
[ -x "$bin/box" ] || { echo "1..0 # SKIP build box first"; exit 77; }
"$bin/box" exec --help >/dev/null 2>&1 || { echo "1..0 # SKIP this box has no exec yet"; exit 77; }
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	{ echo "1..0 # SKIP needs the machine's root, not one of a user namespace"; exit 77; }
[ -x "$cc" ] || { echo "1..0 # SKIP no musl-gcc: make first"; exit 77; }
mkdir -p "$work"
"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -o "$work/inmate" "$here/inmate.c" || exit 1
# A copy: the test tries to overwrite it.
cp "$bin/box" "$work/box"
exec unshare --mount --net --pid --fork --kill-child --mount-proc python3 "$here/box_start.py" "$work/box" "$work/inmate"
