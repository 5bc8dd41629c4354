#!/bin/bash
# tests/system/box_mounts.sh on the appliance's own kernel: an older one than most hosts have, without BPF and netfilter.
. "$(dirname "$0")/lib_peers.bash"
payload=$VM/payload
mkdir "$payload"
vm_need "$OUT/bin/box"
cp "$OUT/bin/box" "$OUT/sysroot/bin/busybox" tests/system/box_mounts.sh "$payload/"
"$OUT/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$payload/swapper" tests/system/swapper.c || die "swapper.c does not compile"
echo "export RACE_ITERATIONS=${RACE_ITERATIONS:-20}" >"$payload/story"
cat >>"$payload/story" <<'STORY'
exec >/dev/vport0p1 2>&1
mkdir /tmp/world
cp /payload/box /tmp/box
export BOX=/tmp/box work=/payload world=/tmp/world LC_ALL=C
exec unshare --mount --pid --fork --kill-child --mount-proc bash /payload/box_mounts.sh --inside
STORY
peers_story "$payload"
