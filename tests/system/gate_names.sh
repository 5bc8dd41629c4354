#!/bin/sh
# gate_names.sh [STORY...] - the gateway's DNS, UDP, ICMP and policy with a TUN device and servers in namespaces of their
# own: members, forwarding, truncation, dead resolvers, fragments, errors, closed addresses, internal networks.
#   QUESTIONS=100000   that the entropy of ids and ports is taken from (SECURITY F6; release: 1000000)
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
		-Wl,--start-group "$lib/gate.a" "$lib/wire.a" "$lib/oci.a" "$lib/lwip.a" "$lib/lib.a" -Wl,--end-group -lm
}
# With sanitizers: `make unit` and `make test` have built these, from the sources as they are.
[ -f "$out/unit/lib/gate.a" ] || skip "build the unit tests first: make unit"
build namesctl gcc unit -fsanitize=address,undefined -fno-sanitize-recover=all
build dns_entropy "$out/sysroot/bin/musl-gcc" ship -static
exec unshare --net --mount --pid --fork --kill-child --mount-proc python3 tests/system/gate_names.py "$work" "$@"
