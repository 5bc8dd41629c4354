#!/bin/bash
# A container that asks and is answered, alone and beside one and two that send all they can, on a line behind the machine's card
# (SECURITY F8). What is asserted is counted in the packets of others that leave between an answer and the next request; the times
# depend on who else uses this computer and are only said. RATE=20 (Mbit/s) ROUNDS=3 QUEUE=pfifo_fast (the contrast, which must fail)
. "$(dirname "$0")/lib_peers.bash"
vm_need "$OUT/bin/netd" "$OUT/bin/gated"
[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] || { echo "1..0 # SKIP needs root and /dev/net/tun"; exit 77; }
[ "${1-}" = --inside ] || { rm -rf "$VM"; exec unshare --net bash "$0" --inside; }

rounds=${ROUNDS:-3} rate=${RATE:-3}	# slow: that a computer with other work stops the guest for 50 ms is then 12 packets
payload=$VM/payload
mkdir "$payload"
cc="$OUT/sysroot/bin/musl-gcc -std=gnu11 -O2 -Wall -Wno-format-truncation -Iruntime -static"
$cc -o "$payload/talk" tests/bench/talk.c && $cc -D_GNU_SOURCE -o "$VM/line_pace" tests/vm/line_pace.c &&
	$cc -D_GNU_SOURCE -o "$payload/netctl" tests/system/netctl.c runtime/lib/{address,err,fd,log,msg,str,time}.c \
		runtime/wire/wire.c || die "what the story needs does not compile"
cp tests/vm/{lib_guest,line_guest}.bash "$OUT/bin/netd" "$OUT/bin/gated" "$payload/"
mv "$payload/line_guest.bash" "$payload/story"

for port in 5300 5301; do
	setpriv --pdeathsig KILL "$payload/talk" serve $port >"$VM/serve.$port" &
done
# The socket to the line holds two frames and the line one: all else waits in the guest.
BEFORE=("$VM/line_pace" "$rate" line0 "$VM/ahead")
# A card of 10 Mbit/s: see net/cards.h.
EXTRA="-netdev dgram,id=line,local.type=fd,local.str=9 -device virtio-net-pci,netdev=line,speed=10,duplex=full"
MEM=1G peers_boot "$payload" "story.ROUNDS=$rounds story.QUEUE=${QUEUE:-} story.SECONDS_EACH=${SECONDS_EACH:-4}"
until ip link set line0 up 2>"$VM/last"; do
	vm_alive || die "the line is not there: $(cat "$VM/last" "$VM/qemu.out")"
	sleep 0.05
done
ip address add 192.0.2.2/24 dev line0
ip address add 203.0.113.2/32 dev lo
ip link set lo up
peers_follow || die "the guest did not end"

# ahead ROW KEY: the median over the rounds of a figure of every third line of line_pace: alone, one, two
ahead() { awk -v row="$1" 'NR % 3 == row' "$VM/ahead" | sed "s/.* $2=\([0-9]*\).*/\1/" | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
sed 's/^/# /' "$VM/ahead"
like "a card that says its speed is handed frames that fit it" "$(grep -a '^# a card of' "$VM/said")" ' 10 Mbit/s takes 4096 bytes'
like "also when it has changed" "$(grep -a '^# a card that' "$VM/said")" ' takes 4096 bytes'
is "all conversations were seen on the line" "$(wc -l <"$VM/ahead")" $((3 * rounds))
is "alone nobody is ahead" "$(ahead 1 max)" 0
# On the card some 8 by BQL (see runtime/gate/README.md), on the line 3; and a flow that was served waits once for the turns of
# all the others. The hogs of pfifo_fast have hundreds ahead.
for hogs in 1 2; do
	row=$(((hogs + 1) % 3))
	p50=$(ahead $row p50) p99=$(ahead $row p99)
	say "$hogs: p50 $p50, p99 $p99 packets ahead"
	ok "beside $hogs: the line is never idle" [ "$p50" -ge 2 ]
	ok "half of the requests wait for 32 packets at most" [ "$p50" -le 32 ]
	ok "99 of 100 for 64" [ "$p99" -le 64 ]
done
tap_done
