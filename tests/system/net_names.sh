#!/bin/bash
# netd and gated together: names of all networks that a container is on, for those who are on them alone, as dig has
# them; and what is left of them when others join and leave, and a gateway is killed. The story is net_names.py.
# usage: tests/system/net_names.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
command -v dig >/dev/null || skip "no dig: tools/enter --set test"
net_world net_names.py
