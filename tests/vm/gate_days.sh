#!/bin/bash
# Good and bad days of the gateway on the appliance's kernel: the stories of tests/system with other people's programs as
# peers, with errors, faults and attackers, and the matrix of who reaches whom, in one guest, at sizes for an emulated CPU.
. "$(dirname "$0")/lib_peers.bash"
for program in boxd boxmon engined enginectl netd gated; do vm_need "$OUT/bin/$program"; done
payload=$VM/payload
mkdir -p "$payload"/{src/tests/system,src/init,bin,work}
cc="$OUT/sysroot/bin/musl-gcc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wno-format-truncation -Iruntime -static"
$cc -o "$payload/work/netctl" tests/system/netctl.c runtime/lib/{address,err,fd,log,msg,str,time}.c runtime/wire/wire.c &&
	$cc -o "$payload/work/netpal" tests/system/netpal.c &&
	$cc -o "$payload/work/boxctl" tests/system/boxctl.c runtime/oci/*.c \
		runtime/lib/{address,arena,buf,err,fd,json*,log,msg,str}.c runtime/wire/*.c -lyyjson &&
	$cc -O2 -o "$payload/work/syn_flood" tests/system/syn_flood.c || die "what the stories need does not compile"
cp "$OUT"/bin/{boxd,boxmon,engined,enginectl,netd,gated} "$payload/bin/"
cp tests/system/{gate_*,farlib.py,netlib.py,netspoof.py,lib.sh,net_world.bash,engine_world.bash} "$payload/src/tests/system/"
cp init/mounts.c "$payload/src/init/"
cp tests/vm/lib_guest.bash "$payload/"
cat >"$payload/story" <<'STORY'
. /payload/lib_guest.bash
here=/payload/src/tests/system
. $here/net_world.bash
ulimit -n 65536
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
export NETD=/payload/bin/netd GATED=/payload/bin/gated CTL=/payload/work/netctl SYN_FLOOD=/payload/work/syn_flood
# Sizes for an emulated CPU, and no time to be met.
export SYN_RATE=1000 BULK_MIB=128 BACK_S=60 TLS_MIB=32 IPERF_MIB=8 EACH=5000 FLOWS=2000 FORGED=500 CLIENTS=5000 ROUNDS=20 WORK_MS=2000
matrix() {
	mkdir /tmp/matrix
	unshare --net --mount --pid --fork --kill-child env bin=/payload/bin work=/payload/work root=/tmp/matrix \
		bash $here/gate_matrix.sh --inside
}
want() { [ -z "$ONLY" ] || [[ " $ONLY " == *" $1 "* ]]; }
ONLY=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^story.ONLY=//p' | tr , ' ')
for story in errors faults hostile peers whole; do
	! want $story || part $story net_namespaces $here/gate_$story.py
done
! want matrix || part matrix matrix
say "ends at $SECONDS s"
STORY
MEM=2G peers_story "$payload" "story.ONLY=${ONLY:-}"
