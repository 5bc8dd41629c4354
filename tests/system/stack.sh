#!/bin/bash
# The gateway's way out alone (stackctl: lwIP behind a TUN device), with real peers, in namespaces of its own.
#   SYNS=20000   of a flood (SECURITY F7; release: 6000000, a minute of 100,000 a second)
# shellcheck source=tests/system/lib.sh
set -u
NAME=stack
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
failed_shows() { cat ctl.log; }

if [ "${1-}" != --inside ]; then
	out=${O:-build}
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -c /dev/net/tun ] || skip "the kernel has no TUN device"
	[ -x "$out/sysroot/bin/musl-gcc" ] && [ -f "$out/ship/lib/gate.a" ] || skip "build the programs first"
	WORK=$(mktemp -d)
	trap 'rm -rf "$WORK"' EXIT
	export WORK
	"$out/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -o "$WORK/stackctl" "$here/stackctl.c" \
		-Wl,--start-group "$out"/ship/lib/{gate,lib,lwip}.a -Wl,--end-group -lseccomp -lyyjson || exit 1
	unshare --net --mount --pid --fork --mount-proc --kill-child \
		sh -c 'mount -t tmpfs -o size=16m run /run && exec bash "$0" --inside' "$here/stack.sh"
	exit
fi
cd "$WORK" || exit 1

# This namespace is the outside; N the gateway's, C the container's.
set -e
ip link set lo up
ip link add out type veth peer name out_end
ip link set out_end up
ip addr add 198.51.100.1/24 dev out
ip addr add 2001:db8::1/64 dev out nodad
ip link set out up
ip route add unreachable 203.0.113.0/24
ip route add prohibit 203.0.114.0/24
# Nobody is there, and nothing says so.
ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:03 dev out nud permanent
ip route add 192.0.2.0/24 via 198.51.100.2
# A machine that can vanish.
ip netns add P
ip link add far type veth peer name eth0 netns P
ip addr add 198.51.101.1/24 dev far
ip link set far up
ip -n P addr add 198.51.101.2/24 dev eth0
ip -n P link set eth0 up
ip netns add N
ip netns add C
ip -n N link set lo up
ip -n C link set lo up
ip netns exec N sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link add v0 netns N address 02:00:00:00:00:01 type veth peer name eth0 netns C address 02:00:00:00:00:02
ip -n N link set v0 up
ip -n C link set eth0 up
for n in 10.77.0.2/32 fd77::2/128; do
	ip -n N route add $n dev v0
	ip -n N neigh add ${n%/*} lladdr 02:00:00:00:00:02 dev v0 nud permanent
done
ip -n C addr add 10.77.0.2/24 dev eth0 noprefixroute
ip -n C addr add fd77::2/64 dev eth0 noprefixroute nodad
for n in 10.77.0.1 fd77::1; do
	ip -n C route add $n dev eth0
	ip -n C neigh add $n lladdr 02:00:00:00:00:01 dev eth0 nud permanent
	ip -n C route add default via $n
done
set +e
./stackctl /run/netns/N 1500 >ctl.log 2>&1 &
ctl=$!
within 5 grep -q ready ctl.log
ip -n N link set tun0 up txqueuelen 2000
ip -n N route add default dev tun0
ip -n N -6 route add default dev tun0

# peer CASE: both ends in one Python program; the container's sockets are made in its namespace
peer() { python3 "$here/stack.py" "$@"; }
for family in 4 6; do
	verdict "IPv$family: 64 MiB each way at once arrive as they were sent" peer duplex $family
	verdict "IPv$family: a refused connection is refused at once" peer refused $family
	verdict "IPv$family: each end may close its direction first, the other goes on" peer halves $family
	verdict "IPv$family: a reset on either side is a reset on the other" peer resets $family
	verdict "IPv$family: what the gateway serves itself answers" peer served $family
done
verdict "an unreachable network and a prohibited one are told as that" peer unreachable
verdict "a server that does not read stops the container, in bounded memory" peer pressure $ctl
verdict "a container that does not read stops the server, in bounded memory" peer pressure_in $ctl
verdict "eight streams that nobody reads do not stop the ninth" peer unread $ctl
verdict "1,000 connections at once each get their own answer" peer many $ctl
verdict "one source port again and again, to the same place" peer again
verdict "a server that answers and closes, a container that closes late" peer late
verdict "a container that pauses for 4 s at the end of a download gets all of it" peer sleeper
verdict "a rate of 40 Mbit/s holds each way, and 10 MB arrive whole" peer rate
verdict "a peer that vanishes under 200 uploads: bounded memory, a connection beside them is whole" peer vanish $ctl
# Last: its handshakes stay for minutes, and their container can open no other.
verdict "${SYNS:-20000} SYNs to nobody: bounded memory and sockets, a connection beside them is whole" peer flood $ctl
verdict "it still runs" kill -0 $ctl
verdict_end
