#!/bin/bash
# The command line `box` on the appliance's kernel, where cgroup v2 is whole: tests/system/box_cli.sh inside a guest.
. "$(dirname "$0")/lib_peers.bash"
vm_need "$OUT/bin/box"
payload=$VM/payload
mkdir "$payload"
"$OUT/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -o "$payload/probe" tests/system/probe.c ||
	die "probe.c does not compile"
cp tests/vm/lib_guest.bash tests/system/box_cli.sh "$OUT/sysroot/bin/busybox" "$OUT/bin/box" "$payload/"
cat >"$payload/story" <<'STORY'
. /payload/lib_guest.bash
mkdir /tmp/world
unshare --mount --pid --fork --kill-child env bin=/payload work=/payload root=/tmp/world bash /payload/box_cli.sh --inside
STORY
MEM=2G peers_story "$payload"
