#!/bin/bash
# netd and gated together: 127.0.0.11, where Docker's containers find their name server. It answers as the gateway does, is
# in nobody's way, and whoever took a gateway over gains nothing by it. The story is net_docker.py.
# usage: tests/system/net_docker.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
command -v dig >/dev/null || skip "no dig: tools/enter --set test"
net_world net_docker.py
