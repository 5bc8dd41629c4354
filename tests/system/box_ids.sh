#!/bin/sh
# Who a container's process is: real ones from bundles, on this kernel. The story is box_ids.py.
# usage: tests/system/box_ids.sh   (BIN=DIR: where box is, default build/bin)
out=${O:-build} here=$(dirname "$0")
bin=${BIN:-$out/bin} cc=$out/sysroot/bin/musl-gcc work=$out/test/box_ids
[ -x "$bin/box" ] || { echo "1..0 # SKIP build box first"; exit 77; }
"$bin/box" exec --help >/dev/null 2>&1 || { echo "1..0 # SKIP this box has no exec yet"; exit 77; }
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	{ echo "1..0 # SKIP needs the machine's root, not one of a user namespace"; exit 77; }
[ -x "$cc" ] || { echo "1..0 # SKIP no musl-gcc: make first"; exit 77; }
mkdir -p "$work"
"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -o "$work/inmate" "$here/inmate.c" || exit 1
exec unshare --mount --net --pid --fork --kill-child --mount-proc python3 "$here/box_ids.py" "$bin/box" "$work/inmate"
