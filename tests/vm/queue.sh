#!/bin/bash
# The queue of the machine's card (SECURITY F8): who has little to send does not wait behind another's backlog. Nothing is timed:
# the line behind the card stands still until both have sent, and then it is counted in which order their packets come.
. "$(dirname "$0")/lib.sh"
hog=1000 neighbours=8 each=4	# pfifo_fast would hold a thousand, so nothing is lost there either
payload=$VM/payload
mkdir "$payload"
"$OUT/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -s -o "$payload/queue_fill" tests/vm/queue_fill.c ||
	die "queue_fill.c does not compile"
mkfs.erofs --quiet -T0 --all-root "$VM/payload.img" "$payload" || die "the payload could not be packed"
queue() { vm_sh "ip link show dev $1" | sed -n 's/.* qdisc \([a-z_]*\) .*/\1/p'; }

coproc LINE { exec python3 tests/vm/queue_line.py "$VM/line" $hog $neighbours $each; }
read -r word <&"${LINE[0]}" && [ "$word" = ready ] || die "the line is not ready"
vm_boot APPEND=cuvette.lab=off EXTRA="-drive if=none,id=payload,file=$VM/payload.img,format=raw,readonly=on
	-device virtio-blk-pci,drive=payload -netdev stream,id=line,server=off,addr.type=unix,addr.path=$VM/line -device virtio-net-pci,netdev=line
	-netdev hubport,id=second,hubid=1 -device virtio-net-pci,netdev=second"
ok "the machine boots" vm_shell_ready
ok "the DHCP client has brought the card up" vm_sh 'until ip link show dev eth0 | grep -q "[<,]UP[,>]"; do sleep 1; done'
is "flows of the card take turns" "$(queue eth0)" fq_codel
vm_sh 'ip link set eth1 up'
is "those of another card, too" "$(queue eth1)" fq_codel
is "loopback has no queue" "$(queue lo)" noqueue

ok "a way to the line" vm_sh 'mkdir -p /run/p && mount -t erofs -o ro /dev/vdc /run/p && ip addr add 10.9.0.2/24 dev eth0'
is "the hog's packets are all taken" "$(vm_sh "/run/p/queue_fill eth0 10.9.0.1 1000 1400 $hog")" $hog
is "so are those of $neighbours neighbours, who come later" \
	"$(vm_sh "for n in $(seq -s ' ' $neighbours); do /run/p/queue_fill eth0 10.9.0.1 \$((1999 + n)) 64 $each; done" | sort | uniq -c | xargs)" "$neighbours $each"
echo go >&"${LINE[1]}"
mapfile -t said <&"${LINE[0]}"
say "${said[@]}"
value() { printf '%s\n' "${said[@]}" | sed -n "s/^$1 //p"; }
# QEMU's has 1024 places; by BQL it is handed no more than it has sent at once so far, and the line took some 90.
ok "few of the hog's packets have got ahead into the card's ring" [ "$(value card)" -lt 128 ]
# A neighbour shares the hog's queue once in 1024 starts.
ok "the neighbours' come before a third of the hog's at least" \
	[ "$(value behind | awk -v third=$((hog / 3)) '$1 >= third' | wc -l)" -ge $((neighbours - 2)) ]
tap_done
