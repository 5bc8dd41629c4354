#!/bin/bash
# What a compose file says about the way out, from the file to the packets: allow lists by address, port and name, names
# that may be asked for, rates, the log of questions, policies that change under open flows; counters as enginectl
# shows them; and what is left of an earlier file.
# usage: tests/system/engine_policy.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
. "$(dirname "$0")/engine_world.bash"
engine_world engine_policy.py -- "$@"

# shellcheck disable=SC2034 # lib.sh
NAME=engine_policy
engine_outside

again() { kill "$engined"; wait "$engined"; engined; }
connects() { in_box "$1" python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)' "$2" "$3"; }
refuses() { ! connects "$@" 2>&1; }
gateway() { in_box "$1" ip route show default | sed 's/.* via \([^ ]*\).*/\1/'; }
answer() { in_box "$1" python3 engine_policy.py ask "$2" "$(gateway "$1")"; }
counter() { enginectl stats "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"; }
box() { printf '  %s: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], %s}\n' "$1" "$2"; }

# ---- a slip of the pen
{ echo services:; box wrong 'labels: {cuvette.egress: "allow 10.77.0.2 80 tcp; allow 10.77.0.0/33 443"}'; } >compose.yaml
serve boxd; serve netd; engined
verdict "a line that is wrong is named, with file, line and key" within 10 \
	grep -F 'compose.yaml:2: service wrong: cuvette.egress: "allow 10.77.0.0/33 443": 10.77.0.0/33 is no subnet' console
verdict "and nothing is opened" eval '! grep -q "made" netd.log && [ ! -e /run/box/wrong ]'

# ---- containers and networks with lists
file() { # POLICY of the network strict
	echo services:
	box free "networks: [plain], container_name: the_free_one, links: ['slow:turtle'], sysctls: {net.core.somaxconn: 777}"
	box by_address "networks: [plain], labels: {cuvette.egress: 'allow $OUT 80 tcp; allow fd77::/64 80'}"
	box by_name "networks: [plain], labels: {cuvette.egress: allow good.example 80; allow *.good.example, cuvette.dns-allowed-only: 'true', cuvette.dns-log: 'true'}"
	box slow "networks: [plain], labels: {cuvette.rate: 1mbit}"
	box flow 'networks: [strict]'
	echo networks:
	echo "  plain: {enable_ipv6: true, driver_opts: {cuvette.dns-log: 'false'}}"
	echo "  strict: {enable_ipv6: true, driver_opts: {cuvette.dns-log: 'true', cuvette.egress: '$1'}}"
}
file '' >compose.yaml
again
for name in free by_address by_name slow flow; do verdict "$name runs" within 20 runs $name; done
[ $failed = 0 ] || { verdict_end; exit; }
verdict "who has no list goes where it likes" eval 'connects free $OUT 80 && connects free $OUT 81 && connects free $OUT6 80'
verdict "a list by address and port: what it has" eval 'connects by_address $OUT 80 && connects by_address $OUT6 80'
verdict "and no other port, IPv4" refuses by_address $OUT 81
verdict "IPv6" refuses by_address $OUT6 81
verdict "a refusal is counted" eval '[ "$(counter by_address refused)" -ge 2 ]'
verdict "a list by name: not before the name was asked for" refuses by_name $OUT 80
verdict "the name is answered" eval 'answer by_name good.example | grep "code 0 answers 1"'
verdict "then its address is open, at the port of the line" eval 'connects by_name $OUT 80 && refuses by_name $OUT 81'
verdict "a name below is answered" eval 'answer by_name www.good.example | grep "code 0 answers 1"'
verdict "a name that no line has is refused" eval 'answer by_name other.example | grep "code 5 answers 0"'
verdict "though others may ask for it" eval 'answer free other.example | grep "code 0 answers 1"'
verdict "the refusal is kept in spite of what others have asked" eval 'answer by_name other.example | grep "code 5 answers 0"'
verdict "names inside are always answered" eval 'answer by_name free | grep "code 0 answers 1"'
verdict "its questions are in the log" eval 'grep "dns container=by_name type=A* by=policy answer=REFUSED question=other.example" netd.log'
verdict "a network's switch: those of its members are" \
	eval 'answer flow good.example | grep "code 0 answers 1" && within 10 grep "dns container=flow type=A* by=resolver answer=NOERROR address=.* question=good.example" netd.log'
verdict "others' are not" eval '! grep "dns container=free" netd.log'
verdict "a rate holds: 400,000 bytes take more than 2 s at 1 Mbit/s" \
	eval 'in_box slow python3 engine_policy.py load $OUT | { read -r got seconds; echo "$got $seconds"; [ "$got" = 400000 ] && [ "${seconds%.*}" -ge 2 ]; }'

# ---- what else the file says of a container on networks
verdict "its container_name is a name for all" eval 'answer slow the_free_one | grep "code 0 answers 1"'
verdict "a link's alias is its own, and the other's address" \
	eval 'top=/proc/$(pid free)/root; at=$(awk "\$2 == \"turtle\" && /\./ { print \$1 }" "$top"/etc/hosts); in_box slow ip -4 addr show eth0 | grep " $at/" && answer slow turtle | grep -v "code 0"'
verdict "a setting of its network is there, and nowhere else" \
	eval '[ "$(in_box free cat /proc/sys/net/core/somaxconn)" = 777 ] && [ "$(in_box slow cat /proc/sys/net/core/somaxconn)" != 777 ]'

# ---- a policy becomes stricter under open flows
holds() { # NAME ADDRESS PORT: its words to $1.in, its lines in $1.out
	mkfifo "$1.in"
	in_box flow python3 engine_policy.py hold "$2" "$3" <"$1.in" >"$1.out" 2>&1 &
	exec {hold}>"$1.in"; eval "$1=$hold"; }
still() { # NAME: what still works
	local before
	before=$(wc -l <"$1.out"); eval "echo >&\$$1"
	within 10 says_more "$1" "$before" && tail -n 1 "$1.out"; }
says_more() { [ "$(wc -l <"$1.out")" -gt "$2" ]; }
has_flows() { local open; open=$(counter "$1" flows_open 2>/dev/null) && [ "${open:-0}" -gt 0 ]; }
failed_shows() { tail -n 5 ./*.out; tail -n 20 netd.log engined.log; }
holds ends $OUT 80; holds ends6 $OUT6 80; holds stays $OUT 81
verdict "flows are open" within 10 eval 'grep -q "open tcp udp icmp" ends.out && grep -q "open tcp udp icmp" ends6.out && grep -q "open tcp" stays.out'
before=$(pid flow)
file "allow $OUT 81 tcp; allow $OUT6 80 udp; allow $OUT icmp" >compose.yaml
again
verdict "a stricter policy of its network, the container the same" within 10 eval 'grep "flow.*open flows ended\|strict: .* open flows ended" netd.log && [ "$(pid flow)" = "$before" ]'
verdict "ends what is not allowed any more, IPv4" eval 'still ends | tee ends.said; grep -qx "still icmp" ends.said'
verdict "IPv6" eval 'still ends6 | tee ends.said; grep -qx "still udp" ends.said'
verdict "and nothing else" eval 'still stays | tee ends.said; grep -qx "still tcp icmp" ends.said'
again
verdict "the same policy said again ends nothing" eval 'within 10 has_flows flow && still stays | tee ends.said; grep -qx "still tcp icmp" ends.said'

# ---- what the administrator sees
verdict "counters of one" eval 'enginectl stats flow | tee said; grep -q "^flow strict rx_bytes=[1-9].* device_bytes_out=[1-9].* bytes_out=[1-9][0-9]* .* flows_tcp=[1-9]" said && [ "$(wc -l <said)" = 2 ]'
verdict "with what it uses" grep -q '^flow cpu_us=[1-9].* memory_bytes=[0-9]* .* tasks=[0-9]*$' said
verdict "of all" eval '[ "$(enginectl stats | wc -l)" = 10 ]'
verdict "of nobody: an error" eval '! enginectl stats nobody 2>said; grep "no such container" said'
verdict "as metrics: each line is one, or says what comes" \
	eval 'enginectl metrics >said && ! grep -vE "^# (HELP|TYPE) [a-z_]+ |^[a-z_]+\{name=\"[a-z_]+\"(,[a-z]+=\"[a-z]+\")*\} [0-9.]+$" said'
enginectl metrics openmetrics >said.open
verdict "a parser of that format reads them" eval 'python3 engine_policy.py metrics text said | tee parsed && grep -x "29 families counter=[1-9][0-9]* gauge=[1-9][0-9]*" parsed'
verdict "OpenMetrics' strict one the other: as many of each kind, and the end" eval 'python3 engine_policy.py metrics openmetrics said.open | cmp - parsed'
verdict "which does not take what was cut off" eval '! head -n -1 said.open >cut || ! python3 engine_policy.py metrics openmetrics cut'
verdict "CPU of each container" eval '[ "$(grep -c "^container_cpu_usage_seconds_total{name=" said)" = 5 ]'
verdict "bytes of each on each network" eval '[ "$(grep -c "^container_network_receive_bytes_total{name=\"[a-z_]*\",network=\"\(plain\|strict\)\"} [1-9]" said)" = 5 ]'
verdict "refusals, names" eval 'grep -q "^cuvette_gateway_flows_refused_total{name=\"by_address\",network=\"plain\",reason=\"policy\"} [1-9]" said && grep -q "^cuvette_dns_refused_total{name=\"by_name\",.*} [1-9]" said'

# ---- words of the file that are one container's own
./netpal serve 6000 machine >/dev/null & machine=$!
./netpal serve 6001 machine >/dev/null & machine="$machine $!"
{ echo services:
  box free 'networks: [plain]'
  box own "networks: {plain: {mac_address: '02:42:00:00:00:07'}}, ports: ['127.0.0.1:8090-8092:80', '127.0.0.1:8095-8096:81-82'], dns: '$OUT6', dns_search: corp.example,
    dns_opt: ['ndots:2'], extra_hosts: ['db:192.0.2.9', 'machine:host-gateway'], labels: {cuvette.egress: allow-host 6000}"
  echo networks:; echo '  plain: {enable_ipv6: true}'; } >compose.yaml
again
listening() { ss -ltnH "sport >= $1 and sport <= $2" | awk '{ print $4 }' | sort | xargs; }
verdict "its MAC address" within 20 eval 'runs own && in_box own ip link show eth0 | grep 02:42:00:00:00:07'
verdict "a range for one port: the first that is free; one for as many: each" within 10 \
	eval '[ "$(listening 8090 8096)" = "127.0.0.1:8090 127.0.0.1:8095 127.0.0.1:8096" ]'
in_own() { nsenter -t "$(pid own)" -n -m /bin/netpal "$@"; }
verdict "extra_hosts: an address" eval '[ "$(in_own names db)" = 192.0.2.9 ]'
verdict "and the gateway's" eval '[ "$(in_own names machine)" = "$(gateway own)" ]'
verdict "which is host.docker.internal for all" within 20 eval '[ "$(nsenter -t "$(pid free)" -n -m /bin/netpal names host.docker.internal | head -n 1)" = "$(gateway free)" ]'
verdict "dns_search and dns_opt" eval 'top=/proc/$(pid own)/root; grep -x "search corp.example" "$top"/etc/resolv.conf && grep -x "options ndots:2" "$top"/etc/resolv.conf'
verdict "the machine's loopback by the gateway, where a line says so" within 10 connects own "$(gateway own)" 6000
verdict "no other port of it" refuses own "$(gateway own)" 6001
verdict "and nobody else" refuses free "$(gateway free)" 6000
echo 'nameserver 192.0.2.1' >/run/net/resolv.conf
asks() { n=$((${n-0} + 1)); answer "$1" "n$n.good.example"; }
verdict "the machine's name server is gone: names fail" within 10 eval 'asks free | grep "code 2 answers 0"'
verdict "a container's own dns: is asked all the same" eval 'asks own | grep "code 0 answers 1"'
echo "nameserver $OUT" >/run/net/resolv.conf
kill $machine	# words

# ---- what an earlier file has left
ports() { echo services:; box free "networks: [plain], restart: always, ports: [$1]"; echo networks:; echo '  plain: {enable_ipv6: true}'; echo "${2-}"; }
ports "'127.0.0.1:8080:80', '127.0.0.1:8081:81'" '  more: {}' >compose.yaml
again
listens() { ss -ltn | grep -q "127.0.0.1:$1 "; }
verdict "two ports are published" within 20 eval 'listens 8080 && listens 8081'
verdict "a network that is not in the file is gone, with its gateway" within 10 eval '[ "$(pgrep -xc gated)" = 1 ]'
ports "'127.0.0.1:8080:80'" >compose.yaml
again
verdict "a port that is not in the file any more is closed" within 20 eval '! listens 8081'
verdict "the other one stays" within 20 listens 8080
echo 'services: {alone: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], network_mode: none}}' >compose.yaml
again
verdict "without networks in the file none is left" within 20 eval '! pgrep -x gated && ! listens 8080'
kill -PWR "$engined"; wait "$engined"
kill "$netd"; wait "$netd"
kill "$outside"
verdict_end
