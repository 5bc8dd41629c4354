#!/bin/bash
# What others do to a container's connections: forged resets and errors from outside and from a neighbour, floods of forged
# clients, neighbours that take every flow, byte and question they can get (SECURITY F7, F8). The story is gate_hostile.py.
#
# usage: tests/system/gate_hostile.sh   (BIN=DIR: where netd and gated are, default build/bin)
#   FORGED=2000     forged packets of each kind            release: 1000000
#   CLIENTS=20000   forged clients of a published UDP port release: 10000000
#   ROUNDS=100      exchanges beside a hog                 release: 100000 on an idle machine, p99 at most twice the idle one (not
#                   met with two CPUs, which the hogs take: `make bench-gate`, section fair, tells their part from the gateway's)
#   WORK_MS=20      of the gateway's own time until it comes to most of them
# The other sizes of F5 to F7 for a release: gate_ports.sh RESTARTS=1000, gate_names.sh QUESTIONS=1000000,
# stack.sh SYNS=6000000, gate_faults.sh SYN_RATE=100000 SYN_SECONDS=60.
set -u
. "$(dirname "$0")/net_world.bash"
PYTHONWARNINGS=ignore::DeprecationWarning net_world gate_hostile.py
