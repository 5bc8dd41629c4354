#!/bin/bash
# What goes wrong on the way is told on the other side of netd and gated as it would be without them: refused, unreachable,
# silent, too big, reset, half closed, urgent, vanished. The story is gate_errors.py.
# usage: tests/system/gate_errors.sh   (BIN=DIR: where netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
net_world gate_errors.py
