#!/bin/bash
# netd and gated together: what a container sees of the world, what the world sees of it, and what is left when one of the
# two is killed. The story is net_gate.py.
# usage: tests/system/net_gate.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
net_world net_gate.py
