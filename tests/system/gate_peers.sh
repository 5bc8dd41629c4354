#!/bin/bash
# netd and gated with other people's programs as peers, both ways: curl, nginx, TLS, iperf3, dig, and many connections and
# fragments of our own. The story is gate_peers.py.
# usage: tests/system/gate_peers.sh   (BIN=DIR: where netd and gated are, default build/bin)
#   TLS_MIB=1024 IPERF_MIB=64 CONNECTIONS=1000 EACH=50000 FLOWS=10000
set -u
. "$(dirname "$0")/net_world.bash"
for peer in curl nginx openssl iperf3 dig; do
	command -v $peer >/dev/null || skip "no $peer: tools/enter --set test"
done
net_world gate_peers.py
