#!/bin/bash
# A container's packets as enginectl keeps them: what tcpdump inside would show, of its way out, its published ports, its
# neighbours and its own loopback; its bounds, what ends it, and what outlives a gateway that is killed.
# usage: tests/system/engine_capture.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
. "$(dirname "$0")/engine_world.bash"
[ -x /usr/bin/tcpdump ] || skip "needs tcpdump"
engine_world engine_policy.py engine_capture.py -- "$@"

# shellcheck disable=SC2034 # lib.sh
NAME=engine_capture
engine_outside
FILE=/data/engine/captures/free.pcap

address() { in_box "$1" ip -o "-$2" addr show eth0 scope global | sed 's/.* inet6* \([^/]*\).*/\1/'; }
speaks() { local box=$1; shift; in_box "$box" python3 engine_capture.py "$@"; }
send() { local box=$1; shift; speaks "$box" send "$@"; }
box() { printf '  %s: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], restart: always, %s}\n' "$1" "$2"; }
# capture WORD...: begins, and is there from then on
capture() {
	rm -f "$FILE"
	/usr/lib/cuvette/enginectl capture free "$@" >captured 2>&1 & capture=$!
	within 20 test -s "$FILE"; }
# ended PATTERN: it ended well, with such a sentence
ended() { over && cat captured && grep -qE "$1" captured; }
over() { within 30 eval '! kill -0 "$capture"' 2>/dev/null && wait "$capture"; }
by_hand() { kill -INT "$capture"; ended "$1"; }
packets() { tcpdump -nr "$FILE" "$@" 2>tcpdump.said; }
# seen FILTER: some are there; without time, device and direction in the file found
seen() { packets "$@" | awk '{ $1 = $2 = $3 = ""; print }' >found; [ -s found ]; }
# once FILTER: and none twice, not even in and out. Of a Linux sender: what that sends again has another time in it
once() { seen "$@" && grep -E 'Flags \[S|length [1-9]' found | sort | uniq -d >twice; [ ! -s twice ] || { cat twice; false; }; }
flags() { grep -F "Flags [$1]" found || { cat found; false; }; }
# Who has packet sockets: one line each in the container's namespace.
watchers() { in_box free awk 'NR > 1 { print $9 }' /proc/net/packet; }
failed_shows() { tail -n 5 captured tcpdump.said; tail -n 20 netd.log engined.log; packets -q | tail -n 5; }

{ echo services:; box free "networks: [plain], ports: ['8080:80', '8080:80/udp']"; box peer 'networks: [plain]'
  echo networks:; echo '  plain: {enable_ipv6: true}'; } >compose.yaml
serve boxd; serve netd; engined
for name in free peer; do verdict "$name runs" within 20 runs $name; done
[ $failed = 0 ] || { verdict_end; exit; }
FREE=$(address free 4) FREE6=$(address free 6) PEER=$(address peer 4) PEER6=$(address peer 6)
mkfifo free.in; sleep 1000 >free.in & speaks free serve <free.in >free.log 2>&1 &
within 10 grep -q serves free.log

# ---- what is in it
fds() { for program in "$netd" "$engined"; do ls "/proc/$program/fd" | wc -l; done; }
before=$(fds)
capture 600
verdict "of the socket nobody keeps an fd but who writes the packets down" within 10 \
	eval 'inode=$(watchers); [ -n "$inode" ] && [ "$(readlink /proc/[0-9]*/fd/* | grep -cx "socket:\[$inode\]")" = 1 ] && ls -l /proc/$capture/fd | grep -F "[$inode]"'
verdict "who writes is the engine's user, without a capability" eval 'grep -q "^Uid:.101" /proc/$capture/status && grep -q "^CapPrm:.0000000000000000" /proc/$capture/status'
verdict "a second one of the same is refused" eval '! enginectl capture free 5 2>said; grep "captured already" said'
verdict "traffic of all kinds" eval '
	send free tcp $OUT 80 egress4 && send free tcp $OUT6 80 egress6 && send free udp $OUT 80 egress4u && send free udp $OUT6 80 egress6u &&
	in_box free python3 engine_policy.py ask good.example $(in_box free ip route show default | sed "s/.* via \([^ ]*\).*/\1/") &&
	out python3 engine_capture.py send tcp 10.77.0.1 8080 publish4 && out python3 engine_capture.py send tcp fd77::1 8080 publish6 &&
	out python3 engine_capture.py send udp 10.77.0.1 8080 published4 && python3 engine_capture.py send tcp 127.0.0.1 8080 machine &&
	send peer tcp $FREE 80 neighbour4 && send peer tcp $FREE6 80 neighbour6 && send peer udp $FREE 80 neighbour4u && send peer udp $FREE6 80 neighbour6u &&
	send free tcp 127.0.0.1 80 itself4 && send free tcp ::1 80 itself6 && send peer tcp $OUT 81 others && speaks free fetch $OUT'
! send free tcp 169.254.169.254 80 refused 2>said
verdict "a capture ends by hand" by_hand '^[1-9][0-9]* packets, [0-9]+ bytes in /data/engine/captures/free.pcap: it was ended by hand$'
verdict "whole" eval 'packets >/dev/null && ! grep -i trunc tcpdump.said'
verdict "for its owner alone" eval '[ "$(stat -c %a:%u $FILE)" = 600:101 ]'
verdict "the way out by TCP" eval 'once "src $FREE and dst $OUT and tcp dst port 80" && flags S && seen "src $OUT and dst $FREE and tcp src port 80" && flags S.'
verdict "by IPv6" eval 'once "src $FREE6 and dst $OUT6 and tcp dst port 80" && flags S && seen "src $OUT6 and dst $FREE6 and tcp src port 80" && flags S.'
verdict "by UDP, both ways" eval 'seen "src $FREE and dst $OUT and udp dst port 80" && seen "src $OUT and udp src port 80" && seen "dst $OUT6 and udp dst port 80" && seen "src $OUT6 and udp src port 80"'
verdict "a question and its answer" eval 'packets udp port 53 | tee said | grep -q "A? good.example" && grep -q "A $OUT" said'
verdict "what policy refuses has left all the same" eval 'seen "dst 169.254.169.254 and tcp dst port 80" && flags S'
verdict "a published TCP port, with its client's address, IPv4" eval 'once "src $OUT and tcp dst port 80" && flags S && grep "length 8" found && once "dst $OUT and tcp src port 80" && flags S. && grep "length 8" found'
verdict "IPv6" eval 'once "src $OUT6 and tcp dst port 80" && flags S && grep "length 8" found && once "dst $OUT6 and tcp src port 80" && flags S. && grep "length 8" found'
verdict "of the machine itself" eval 'packets "tcp dst port 80" -A | grep machine'
verdict "a published UDP port, both ways" eval 'seen "src $OUT and dst $FREE and udp dst port 80" && seen "dst $OUT and udp src port 80"'
verdict "a neighbour by TCP: IPv4" eval 'once "host $PEER and tcp port 80" && flags S && flags S.'
verdict "IPv6" eval 'once "host $PEER6 and tcp port 80" && flags S && flags S.'
verdict "by UDP, both ways: IPv4" eval 'once "src $PEER and udp dst port 80" && once "dst $PEER and udp src port 80"'
verdict "IPv6" eval 'once "src $PEER6 and udp dst port 80" && once "dst $PEER6 and udp src port 80"'
verdict "its loopback, once: IPv4" eval 'once "host 127.0.0.1 and tcp port 80" && flags S && flags S.'
verdict "IPv6" eval 'once "host ::1 and tcp port 80" && flags S && flags S.'
verdict "a neighbour's own packets are not in it" eval '[ -z "$(packets "host $PEER and host $OUT")" ]'
verdict "what is cut behind it is one packet, as it says itself" eval 'packets "src $OUT and port 82 and greater 3000" | grep -q length'
verdict "with the time of each" eval '[ "$(packets -tt | awk "{ print int(\$1) }" | sort -n | head -n 1)" -ge $(($(date +%s) - 600)) ]'
verdict "no packet socket is left inside" eval '[ -z "$(watchers)" ]'
verdict "and nobody has more fds" within 10 eval '[ "$(fds)" = "$before" ]'

# ---- its ends
capture 1
verdict "its time" ended ': its time is over$'
capture 600 1
speaks free flood 127.0.0.1 40000
verdict "its size" ended ': its size is reached'
verdict "below its bound, and whole" eval 'size=$(stat -c %s $FILE); [ $size -le 1048576 ] && [ $size -gt 1048000 ] && packets >/dev/null && ! grep -i trunc tcpdump.said'
capture 600 64
kill -STOP $capture
verdict "a disk that is slow holds no container" eval 'speaks free flood 127.0.0.1 40000 && speaks free fetch $OUT && send peer tcp $FREE 80 x'
kill -CONT $capture
verdict "packets are missing then, and their number is said" by_hand ': it was ended by hand; [1-9][0-9]+ packets came faster than they could be written and are missing$'
verdict "what is there is whole" eval '[ "$(packets | wc -l)" -gt 1000 ] && ! grep -i trunc tcpdump.said'
capture 600
verdict "one that is killed leaves nothing" eval 'kill -9 $capture; ! over; within 10 eval "[ -z \"\$(watchers)\" ] && [ \"\$(fds)\" = \"\$before\" ]"'
mount -t tmpfs -o size=2m,mode=700,uid=101,gid=101 small /data/engine/captures
capture 600
speaks free flood 127.0.0.1 60000
verdict "a disk that is nearly full ends it, with one sentence" \
	within 20 grep -E "[1-9][0-9]* packets are in /data/engine/captures/free.pcap, then it ended.*: the disk is nearly full \(.*\): delete something, or capture less$" captured
verdict "that is a failure" eval '! over && [ "$(wc -l <captured)" = 1 ]'
verdict "room is left" eval '[ "$(stat -f -c %a /data/engine/captures)" -gt 10 ] && packets >/dev/null && ! grep -i trunc tcpdump.said'
head -c 4M /dev/zero >/data/engine/captures/rest 2>/dev/null
verdict "who finds no room is refused, and the capture of before is as it was" \
	eval '! enginectl capture free 5 2>said && grep "nearly full" said && packets >/dev/null && [ -s $FILE ]'
rm "$FILE" /data/engine/captures/rest
capture 600
head -c 4M /dev/zero >/data/engine/captures/rest 2>/dev/null
send free udp 127.0.0.1 81 one 2>/dev/null
verdict "who finds none at his first packet leaves no file" eval '! over && grep "no packet was written down, then it ended.*: the disk is nearly full" captured && [ "$(ls /data/engine/captures)" = rest ]'
umount /data/engine/captures
verdict "of nobody: an error" eval '! enginectl capture nobody 5 2>said; grep "no such container" said'
verdict "too long: an error" eval '! enginectl capture free 99999 2>said; grep "1 to 3600 seconds" said'

# ---- who else ends
capture 600
gates=$(pgrep -x gated); kill -9 $gates
verdict "a gateway that is killed does not end it" within 20 eval 'send free tcp $OUT 81 after 2>said && seen "dst $OUT and tcp dst port 81" && flags S'
before_end=$(pid free)
kill -9 "$before_end"
verdict "a container that ends does" ended '^[1-9][0-9]* packets, .*: the container has ended$'
verdict "and is there again, in a namespace where nobody watches" within 20 eval 'runs free && [ "$(pid free)" != "$before_end" ] && [ -z "$(watchers)" ]'
capture 600
kill -9 "$engined"; wait "$engined"
verdict "an engine that ends does, and that is said" eval '! over; grep "then it ended: the engine ended the connection: try again" captured'
engined
verdict "the next one captures" eval 'within 20 eval "enginectl capture free 1" | grep "its time is over"'
kill -PWR "$engined"; wait "$engined"
kill "$netd"; wait "$netd"
kill "$outside"
verdict_end
