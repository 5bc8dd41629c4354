#!/bin/sh
# boxmon alone: its log, its clients, its input and terminal, the end it records. The story is monitor.py.
# usage: tests/system/monitor.sh   (BIN=DIR: where boxmon is, default build/bin)
BIN=${BIN:-${O:-build}/bin}
[ -x "$BIN/boxmon" ] || { echo "1..0 # SKIP build boxmon first"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP boxmon drops root's capabilities: needs root"; exit 77; }
exec unshare --mount python3 "$(dirname "$0")/monitor.py" "$BIN/boxmon"
