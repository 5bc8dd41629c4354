#!/bin/bash
# Networks on the appliance's kernel, which has neither bridge nor netfilter: tests/system/net.py and net_gate.py in a guest.
. "$(dirname "$0")/lib_peers.bash"
vm_need "$OUT/bin/netd"
vm_need "$OUT/bin/gated"
payload=$VM/payload
mkdir "$payload"
"$OUT/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -o "$payload/netctl" tests/system/netctl.c \
	runtime/lib/{address,err,fd,log,msg,str,time}.c runtime/wire/wire.c || die "netctl.c does not compile"
cp tests/vm/lib_guest.bash tests/system/net.py tests/system/net_gate.py tests/system/netlib.py tests/system/netspoof.py \
	tests/system/net_world.bash "$OUT/bin/netd" "$OUT/bin/gated" "$payload/"
cp --parents runtime/wire/stats.h "$payload/"
cat >"$payload/story" <<'STORY'
. /payload/lib_guest.bash
. /payload/net_world.bash
cd /payload
export PYTHONPATH=/payload PYTHONDONTWRITEBYTECODE=1
# fq_codel is for cards: a TUN device, which no network has in the first namespace, holds its senders back instead of dropping.
tun_queue() { "$@" sh -c 'ip tuntap add mode tun name queue && ip link set queue up && ip link show queue && ip tuntap del mode tun name queue' | grep -o 'qdisc [a-z_]*'; }
is "the queue of a TUN device in a namespace of its own" "$(tun_queue unshare --net)" "qdisc pfifo_fast"
is "and in the first one" "$(tun_queue env)" "qdisc fq_codel"
CYCLES=20 NETD=/payload/netd CTL=/payload/netctl GATED=plain part net net_namespaces /payload/net.py
BACK_S=5 SCAN=97 NETD=/payload/netd CTL=/payload/netctl GATED=/payload/gated part net_gate net_namespaces /payload/net_gate.py
STORY
MEM=2G peers_story "$payload"
