#!/bin/bash
# Bad days of netd and gated: a path that loses large packets, a cable pulled in the middle, floods of SYNs, a dead name
# server, gated and netd killed in the middle of transfers. The story is gate_faults.py.
# usage: tests/system/gate_faults.sh   (BIN=DIR: where netd and gated are, default build/bin)
#   SYN_RATE=20000 SYN_SECONDS=2   of each flood   release: 100000 for 60 (SECURITY F7)
#   BULK_MIB=512                   of a transfer beside a gateway that is killed
#   BACK_S=1                       until what was published by it answers again
set -u
. "$(dirname "$0")/net_world.bash"
command -v dig >/dev/null || skip "no dig: tools/enter --set test"
out=${O:-build} here=$(dirname "$0")
[ -x "$out/sysroot/bin/musl-gcc" ] || skip "no musl-gcc: make first"
mkdir -p "$out/test/gate_faults"
SYN_FLOOD=$(cd "$out/test/gate_faults" && pwd)/syn_flood
export SYN_FLOOD
"$out/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -static -o "$SYN_FLOOD" "$here/syn_flood.c" || exit 1
net_world gate_faults.py
