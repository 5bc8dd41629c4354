#!/bin/bash
# Real programs through the gateway: curl, iperf3, dig, echoes, fragments and IPv6 extension headers, seen by a capture of their
# container. The story is gate_seeds.py.
# usage: tests/system/gate_seeds.sh   (BIN=DIR: where netd and gated are, default build/bin)
#   SEEDS=tests/fuzz/corpus   cuts the captures into seeds of fuzz_gate, fuzz_dns_query and fuzz_dns_reply there
set -u
. "$(dirname "$0")/net_world.bash"
for program in curl iperf3 dig; do command -v $program >/dev/null || skip "no $program: tools/enter --set test"; done
[ -z "${SEEDS-}" ] || SEEDS=$(cd "$SEEDS" && pwd)
export SEEDS
net_world gate_seeds.py
