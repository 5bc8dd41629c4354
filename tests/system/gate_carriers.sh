#!/bin/sh
# Published connections in full flow, carried by processes beside gated. The story is gate_carriers.py.
# usage: tests/system/gate_carriers.sh [TEST...]   (BIN=DIR: where gated is, default build/bin)
bin=${BIN:-${O:-build}/bin} here=$(dirname "$0")
[ -x "$bin/gated" ] || { echo "1..0 # SKIP build gated first"; exit 77; }
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	{ echo "1..0 # SKIP needs the machine's root, not one of a user namespace"; exit 77; }
exec unshare --mount --net --pid --fork --kill-child --mount-proc python3 "$here/gate_carriers.py" "$bin/gated" "$@"
