#!/bin/bash
# Limits whose controllers the appliance's kernel lacks, device programs and keyrings: `box` on Debian's kernel.
KERNEL_OF=debian
. "$(dirname "$0")/lib_peers.bash"
vm_need "$OUT/bin/box" "$OUT/sysroot/bin/musl-gcc"
payload=$VM/payload
mkdir "$payload"
"$OUT/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -o "$payload/act" tests/vm/controllers_act.c ||
	die "controllers_act.c does not compile"
peers_kernel
cp "$PEERS"/modules.bfq/*-bfq.ko "$payload/bfq.ko"
cp tests/vm/lib_guest.bash "$OUT/bin/box" "$payload/"
cp tests/vm/controllers_guest.bash "$payload/story"
MEM=1G peers_story "$payload"
