#!/bin/sh
# Published ports: gated against this kernel, in network namespaces of the story's own. The story is gate_ports.py.
# usage: tests/system/gate_ports.sh [TEST...]   (BIN=DIR: where gated is, default build/bin; RESTARTS=20, for a release 1000: SECURITY F5;
# CONNECTIONS=10000)
bin=${BIN:-${O:-build}/bin} here=$(dirname "$0")
[ -x "$bin/gated" ] || { echo "1..0 # SKIP build gated first"; exit 77; }
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	{ echo "1..0 # SKIP needs the machine's root, not one of a user namespace"; exit 77; }
exec unshare --mount --net --pid --fork --kill-child --mount-proc python3 "$here/gate_ports.py" "$bin/gated" "$@"
