#!/bin/sh
# gate_names.sh [STORY...] - the gateway's DNS, UDP, ICMP and policy with a TUN device and servers in namespaces of their
# own: members, forwarding, truncation, dead resolvers, fragments, errors, closed addresses, internal networks.
set -eu
cd "$(dirname "$0")/../.."
out=${O:-build}
skip() { echo "1..0 # SKIP $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
command -v dig >/dev/null || skip "no dig: tools/enter --set test"
[ -f "$out/ship/lib/gate.a" ] || skip "build the programs first"
work=$out/test/gate_names
mkdir -p "$work"
# build PROGRAM COMPILER KIND WORD...: from tests/system/PROGRAM.c and that kind's archives
build() {
	program=$1 compiler=$2 lib=$out/$3/lib
	shift 3
	"$compiler" -std=gnu11 -D_GNU_SOURCE -Iruntime -g -O1 "$@" -o "$work/$program" "tests/system/$program.c" \
		-Wl,--start-group "$lib/gate.a" "$lib/lwip.a" "$lib/lib.a" -Wl,--end-group -lm
}
# With sanitizers, when the unit tests were built from the sources as they are.
unit=$out/unit/lib/gate.a
if [ -f "$unit" ] && [ -z "$(find runtime -name '*.[ch]' -newer "$unit" | head -n 1)" ]; then
	build namesctl gcc unit -fsanitize=address,undefined -fno-sanitize-recover=all
else
	echo "# without sanitizers: the unit tests were not built"
	build namesctl "$out/sysroot/bin/musl-gcc" ship -static
fi
build dns_entropy "$out/sysroot/bin/musl-gcc" ship -static
exec unshare --net --mount --pid --fork --kill-child --mount-proc python3 tests/system/gate_names.py "$work" "$@"
