#!/bin/bash
# Hundreds of connections of one container that stand still, because their far ends do not read, or it does not: its other
# ones go on, and they do as soon as somebody reads. The story is gate_stalled.py.
# usage: tests/system/gate_stalled.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
net_world gate_stalled.py
