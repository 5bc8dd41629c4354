#!/bin/bash
# Bad days of netd and gated: a path that loses large packets, a cable pulled in the middle, floods of SYNs, a dead name
# server, gated and netd killed in the middle of transfers. The story is gate_faults.py.
# usage: tests/system/gate_faults.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
for peer in dig nft; do
	command -v $peer >/dev/null || skip "no $peer: tools/enter --set test"
done
net_world gate_faults.py
