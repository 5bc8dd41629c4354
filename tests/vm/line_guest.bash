# line_guest.bash - the guest's part of line.sh: a network of three containers, and the conversation of one of them, alone, beside
# one and two hogs of four connections each, in turn.
. /payload/lib_guest.bash
PATH=/payload:$PATH
word() { tr ' ' '\n' </proc/cmdline | sed -n "s/^story.$1=//p"; }
queue=$(word QUEUE) seconds=$(word SECONDS_EACH)
[ -z "$queue" ] || echo "$queue" >/proc/sys/net/core/default_qdisc
ip link set lo up
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up
ip route add default via 192.0.2.2
ip link show eth0 | sed -n 's/.* \(qdisc [a-z_]*\).*/# \1/p'
# netd runs its gateway by a constant of the appliance's root.
mount -t tmpfs run /run && mkdir -p /run/{upper,work,net} &&
	mount -t overlay -o lowerdir=/usr/lib,upperdir=/run/upper,workdir=/run/work overlay /usr/lib && mkdir -p /usr/lib/cuvette || exit 1
cp /payload/{netd,gated} /usr/lib/cuvette/
netctl serve /run/netd.sock /usr/lib/cuvette/netd >/tmp/netd 2>&1 &
within 60 [ -S /run/netd.sock ]
declare -A client
space() {
	unshare --net sleep infinity &
	client[$1]=$!
	until [ "$(readlink "/proc/${client[$1]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
	nsenter -t "${client[$1]}" -n ip link set lo up
}
for name in asks hog1 hog2; do space $name; done
netctl talk /run/netd.sock <<-TALK || exit 1
	create line 172.18.0.0/16 172.18.0.1 - -
	attach line asks /proc/${client[asks]}/ns/net 172.18.0.2 -
	attach line hog1 /proc/${client[hog1]}/ns/net 172.18.0.3 -
	attach line hog2 /proc/${client[hog2]}/ns/net 172.18.0.4 -
TALK

# The card says its speed, so netd has made its frames small; and does again when something about it has changed.
frame() { ip -d link show eth0 | sed -n 's/.* gso_max_size \([0-9]*\).*/\1/p'; }
say "a card of $(cat /sys/class/net/eth0/speed) Mbit/s takes $(frame) bytes at once"
ip link set eth0 gso_max_size 65536 && ip link set eth0 mtu 1499 && ip link set eth0 mtu 1500
within 30 eval '[ "$(frame)" = 4096 ]'
say "a card that has changed takes $(frame) bytes at once"
renice -n -10 -p "$(pgrep -o -x gated)" >/dev/null	# as the unit of netd has it

sent() { cat /sys/class/net/eth0/statistics/tx_packets; }
# What has passed: the CPUs' ticks, busy and all; seconds; bytes sent
passed() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $2 + $3 + $4 + $5 + $6 + $7 + $8 }' /proc/stat
	cut -d' ' -f1 /proc/uptime
	cat /sys/class/net/eth0/statistics/tx_bytes
}
rests() { local before; before=$(sent) && sleep 0.3 && [ "$(sent)" = "$before" ]; }
bql=/sys/class/net/eth0/queues/tx-0/byte_queue_limits
# beside NAME HOG...: the conversation beside them, when each has filled what waits for the line
beside() {
	local name=$1 hogs=() hog before
	shift
	for hog; do
		nsenter -t "${client[$hog]}" -n talk bulk 203.0.113.2 5301 600 4 >/tmp/hog 2>&1 &
		hogs+=($!)
	done
	before=$(sent)
	[ $# = 0 ] || within 120 eval '(($(sent) > before + 1000))'
	before=$(passed)
	nsenter -t "${client[asks]}" -n talk rr 203.0.113.2 5300 "$seconds" >/tmp/talk 2>&1
	say "$name: $(cat /tmp/talk), $(echo $before $(passed) | awk '{ printf "%.0f %% of the CPUs, %.2f Mbit/s", ($5 - $1) / ($6 - $2) * 100, ($8 - $4) * 8e-6 / ($7 - $3) }')," \
		"the card holds $(cat $bql/inflight) of $(cat $bql/limit) bytes"
	[ $# = 0 ] || { kill "${hogs[@]}" && wait "${hogs[@]}"; } 2>/dev/null
	within 60 rests	# what they left behind is sent
}
for round in $(seq "$(word ROUNDS)"); do
	beside alone
	beside one hog1
	beside two hog1 hog2
done
