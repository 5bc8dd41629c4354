#!/bin/bash
# netd against the real kernel: networks, members, published ports, gateways that die. The gateway is a plain one
# (netctl.c), which says what it is told. The story is net.py.
# usage: tests/system/net.sh   (BIN=DIR: where netd is, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
GATED=plain net_world net.py
