#!/bin/bash
# The gateway on the appliance's kernel: tests/system/stack.sh and gate_ports.py in a guest, at sizes for an
# emulated CPU. net_gate.sh has netd's own stories; gate_days.sh the others.
. "$(dirname "$0")/lib_peers.bash"
vm_need "$OUT/bin/netd"
vm_need "$OUT/bin/gated"
vm_need "$OUT/ship/lib/gate.a"
payload=$VM/payload
mkdir -p "$payload"/{tests/system,runtime/wire,runtime/prog,runtime/lib,stack}
cc="$OUT/sysroot/bin/musl-gcc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wno-format-truncation -Iruntime -static"
$cc -o "$payload/stack/stackctl" tests/system/stackctl.c -Wl,--start-group "$OUT"/ship/lib/{gate,lib,lwip}.a -Wl,--end-group \
	-lseccomp -lyyjson || die "stackctl.c does not compile"
cp tests/system/{gate_*.py,gatelib.py,netlib.py,netspoof.py,net_world.bash,lib.sh,stack.sh,stack.py} "$payload/tests/system/"
cp runtime/wire/* "$payload/runtime/wire/"
cp runtime/prog/gated.c "$payload/runtime/prog/"
cp runtime/lib/jail.c "$payload/runtime/lib/"
cp tests/vm/lib_guest.bash "$OUT/bin/netd" "$OUT/bin/gated" "$payload/"
cat >"$payload/story" <<'STORY'
. /payload/lib_guest.bash
. /payload/tests/system/net_world.bash
here=/payload/tests/system
ulimit -n 65536
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
part gate_ports unshare --mount --net --pid --fork --kill-child --mount-proc python3 $here/gate_ports.py /payload/gated real_client_address other_family ends_and_resets balances drains withdrawn killed jailed
part gate_carriers unshare --mount --net --pid --fork --kill-child --mount-proc python3 $here/gate_carriers.py /payload/gated whole limited leaves carrier_killed jailed
cp -r /payload/stack /tmp/stack
WORK=/tmp/stack part stack unshare --net --mount --pid --fork --mount-proc --kill-child \
	sh -c "mount -t tmpfs -o size=16m run /run && exec bash $here/stack.sh --inside"
say "ends at $SECONDS s"
STORY
MEM=2G peers_story "$payload"
