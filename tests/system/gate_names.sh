#!/bin/sh
# gate_names.sh - the gateway's DNS, UDP, ICMP and policy with a TUN device and servers in namespaces of their own:
# members, forwarding, truncation, dead resolvers, fragments, errors, closed addresses, internal networks.
set -eu
cd "$(dirname "$0")/../.."
out=${O:-build}
skip() { echo "1..0 # SKIP $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
command -v dig >/dev/null || skip "no dig: tools/enter --set test"
[ -f "$out/unit/lib/gate.a" ] && [ -f "$out/ship/lib/gate.a" ] || skip "build the programs and the unit tests first"
work=$out/test/gate_names
mkdir -p "$work"
gcc -std=gnu11 -D_GNU_SOURCE -Iruntime -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-o "$work/namesctl" tests/system/namesctl.c \
	-Wl,--start-group "$out/unit/lib/gate.a" "$out/unit/lib/lwip.a" "$out/unit/lib/lib.a" -Wl,--end-group
"$out/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -Iruntime -O2 -static -o "$work/dns_entropy" tests/system/dns_entropy.c \
	-Wl,--start-group "$out/ship/lib/gate.a" "$out/ship/lib/lwip.a" "$out/ship/lib/lib.a" -Wl,--end-group -lm
exec unshare --net --mount --pid --fork --kill-child --mount-proc python3 tests/system/gate_names.py "$work" "$@"
