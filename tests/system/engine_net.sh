#!/bin/bash
# engined, boxd, netd and gated together on this kernel: containers of a compose file on networks of their own, their
# names and published ports, and what happens when one of the programs is killed.
# usage: tests/system/engine_net.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
. "$(dirname "$0")/engine_world.bash"
engine_world -- "$@"

# shellcheck disable=SC2034 # lib.sh
NAME=engine_net
cat >compose.yaml <<'C'
services:
  web:
    image: t
    command: [/bin/netpal, serve, '80', hello]
    restart: always
    ulimits: {nofile: 1024}
    ports: ['127.0.0.1:8080:80', '80']
    expose: [7]
    networks: {front: {aliases: [shop], ipv4_address: 172.30.0.9}}
  ask: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, web, '80'], networks: [front]}
  alias: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, shop, '80'], networks: [front]}
  both: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, shop, '80'], networks: [default, front]}
  far: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, web, '80'], stop_signal: SIGURG, stop_grace_period: 1s}
  apart: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask1, 172.30.0.9, '80']}
  host: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask1, host.docker.internal, '8080'], extra_hosts: ['host.docker.internal:host-gateway']}
  dark: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], networks: [inside]}
  side: {image: t, ulimits: {nofile: 1024}, network_mode: 'service:web', command: [/bin/netpal, ask, localhost, '80']}
networks:
  inside: {internal: true}
  front: {enable_ipv6: true, ipam: {config: [{subnet: 172.30.0.0/16}]}}
C
asks() { ./netpal ask1 127.0.0.1 "$1" | grep -q "said hello"; }
address() { nsenter -t "$(pid "$1")" -n ip -o -4 addr show eth0 | grep -q " $2/"; }
any_port() { sed -n 's/.*its port 80 is published at port //p' console | tail -n 1; }
serve boxd; serve netd; engined

verdict "a container serves on its own network" within 20 said web serves
[ $failed = 0 ] || { verdict_end; exit; }	# nothing below could do better
verdict "at the address that the file gives it" address web 172.30.0.9
verdict "another one reaches it by the service's name" within 20 said ask "web said hello"
verdict "and by an alias" within 20 said alias "shop said hello"
six=$(sed -n 's/.*"address6":"\([^"]*\)".*/\1/p' /data/engine/containers/web.json)
verdict "its IPv6 address is a unique local one, and in its document" eval 'case $six in fd*) ;; *) false ;; esac'
verdict "it is reached there too" eval 'nsenter -t "$(pid ask)" -n ./netpal ask1 "$six" 80'
verdict "the network's subnets are in its document" grep -q '"subnet4":"172.30.0.0/16","subnet6":"fd' /data/engine/networks/front.json
verdict "who shares its network reaches it at localhost" within 20 said side "localhost said hello"
verdict "its published port answers at the machine's loopback" within 20 asks 8080
verdict "so does the one that may be any, which is said" within 10 eval 'asks "$(any_port)"'
is_listening() { [ "$(ss -ltunH | awk '{ print $1, $5 }' | sort -u | tee heard | xargs -d "\n")" = "$1" ] || { cat heard; false; }; }
verdict "nothing else listens on the machine (SECURITY D1)" within 10 eval 'is_listening "tcp *:$(any_port) tcp 127.0.0.1:8080"'
verdict "and nothing by a name that is no file (D3)" eval '! grep @ /proc/net/unix'
verdict "another network does not know the name" within 20 said far "web: "
verdict "who is on both knows the names of both" within 20 said both "shop said hello"
verdict "by the DNS alone" eval 'top=/proc/$(pid both)/root; grep -w both "$top"/etc/hosts && ! grep -w "web\|shop" "$top"/etc/hosts'
digs() { nsenter -t "$(pid both)" -n dig +short "@$(nsenter -t "$(pid both)" -n ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')" "$@"; }
if command -v dig >/dev/null; then
	verdict "with its port there, though it is only exposed" within 20 eval '[ "$(digs _7._tcp.web SRV)" = "0 0 7 web.front." ]'
	verdict "who has no way out asks its network's gateway at 127.0.0.11, too" within 20 eval 'nsenter -t "$(pid dark)" -n dig +short +tries=1 @127.0.0.11 dark | grep "^172\."'
	verdict "and the reverse name" within 20 eval '[ "$(digs -x 172.30.0.9)" = web.front. ]'
fi
verdict "another network does not reach the address" within 20 eval 'said apart "172.30.0.9: " && ! said apart hello'
verdict "nor the machine's loopback behind the gateway" within 20 eval 'said host "host.docker.internal: " && ! said host hello'

before=$(pid web)
kill -9 "$before"
verdict "it is started again" within 20 eval '[ -e /run/box/web/run ] && [ "$(pid web)" != "$before" ]'
verdict "its port answers again" within 20 asks 8080
verdict "at the same address" within 5 address web 172.30.0.9
same_network() { [ -e /run/box/side/run ] && [ "$(readlink "/proc/$(pid side)/ns/net")" = "$(readlink "/proc/$(pid web)/ns/net")" ]; }
verdict "who shares its network starts again in the new one" within 20 same_network
verdict "people are told" grep -q "side starts again too: web, whose network it shares, has started anew" console
verdict "and the same IPv6 address" grep -qF "\"$six\"" /data/engine/containers/web.json
verdict "at the same port, where it may be any" eval '[ "$(grep -o "published at port.*" console | sort -u | wc -l)" = 1 ]'

kill -9 "$netd"; wait "$netd" 2>/dev/null; : >netd.log; serve netd
verdict "netd killed: everything is declared again" within 20 asks 8080
verdict "and containers reach each other" eval 'nsenter -t "$(pid ask)" -n ./netpal ask1 172.30.0.9 80'
before=$(pid web) side=$(pid side)
kill -9 "$engined"; wait "$engined" 2>/dev/null
verdict "engined killed: ports go on" asks 8080
engined
verdict "a new one starts nothing" within 10 eval 'grep -c "taken over\|adopt\|created -> running" engined.log && [ "$(pid web) $(pid side)" = "$before $side" ]'
verdict "ports go on" within 10 asks 8080
verdict "the gateway is no container's to kill: it comes back" within 10 eval 'for g in $(pgrep -x gated); do kill -9 $g; done; within 5 asks 8080'

# An engine that dies between the end of who follows and its new start, and one that knows nothing of it. The sharer is
# stopped: it takes TERM when we let it.
follows() { # NUMBER: web starts anew, side shall follow, and the engine dies
	kill -STOP "$(pid side)"; kill -9 "$(pid web)"
	within 20 again "$1" || return
	kill -9 "$engined"; wait "$engined" 2>/dev/null
	! same_network && grep -q '"follows":true' /data/engine/containers/side.json; }
again() { [ "$(grep -c "side starts again too" console)" = "$1" ]; }
verdict "an engine that dies while who shares is to start again leaves that in its document" follows 2
before=$(pid side) web=$(pid web)
kill -9 "$before"
verdict "who shares ends while no engine is there" within 10 eval '! kill -0 "$before" 2>/dev/null'
engined
verdict "the next engine starts it, in the new network" within 20 same_network
verdict "and nobody else" eval '[ "$(pid web)" = "$web" ] && [ "$(pid side)" != "$before" ]'
verdict "which is over then" within 10 grep -q '"follows":false' /data/engine/containers/side.json
verdict "once more, and it runs on in the network of before" follows 3
sed -i 's/"follows":true/"follows":false/' /data/engine/containers/side.json
engined
verdict "an engine that has seen nothing of it compares the networks" within 10 again 4
kill -CONT "$(pid side)"
verdict "and who shares starts again in the new one" within 20 same_network

any=$(any_port)
everything() { kill -9 "$engined" "$netd"; wait "$engined" "$netd" 2>/dev/null; for g in $(pgrep -x gated); do kill -9 "$g"; done; ! asks "$any"; }
verdict "everything killed but the containers" everything
: >console; serve netd; engined
verdict "the port that may be any has the number of before" within 20 asks "$any"
verdict "which nobody needs to be told" eval 'asks 8080 && ! grep "published at" console'

# A file with ports that cannot be had, while it runs.
anew() { # PORTS of web
	sed "s/ports: .*/ports: [$1]/" compose.yaml >changed; cp changed compose.yaml
	: >console; : >engined.log
	kill "$engined"; wait "$engined"; engined; }
before=$(pid web)
goes_on() { within 20 grep -F "web: port $1" console && grep "it runs on as it was, with its ports of before" console && asks 8080 && [ "$(pid web)" = "$before" ]; }
anew "'10.99.0.1:8081:80', '80'"
verdict "a file with an address that is not there: people are told, and it serves as before" goes_on "8081/tcp: this machine has no address 10.99.0.1 "
verdict "engined killed: the same again" eval ': >console; kill -9 "$engined"; wait "$engined" 2>/dev/null; engined; goes_on 8081/tcp'
verdict "netd killed: the same, and said once" eval 'kill -9 "$netd"; wait "$netd" 2>/dev/null; serve netd; within 20 asks 8080 && goes_on 8081/tcp && [ "$(grep -c "web: port" console)" = 1 ]'
verdict "and what is the same in both files is there" within 10 asks "$any"
./netpal serve 8082 other >/dev/null & other=$!
anew "'127.0.0.1:8082:80', '80'"
verdict "a port that somebody else has" goes_on "8082/tcp: port 8082 of 127.0.0.1 is in use already"
anew "'127.0.0.1:8081:80', '127.0.0.1:8082:80', '80'"
verdict "the same behind one that can be had" goes_on "8082/tcp: port 8082 of 127.0.0.1 is in use already"
verdict "which is given back: all or nothing" eval '! ss -ltn | grep ":8081 " && asks "$any"'
anew "'10.99.0.1:8081:80', '8080:80'"
verdict "one that cannot be had, and one where its port of before was in the way" goes_on 8081/tcp
verdict "which is not closed for that" eval '! grep "makes way" engined.log'
anew "'127.0.0.1:8081:80', '127.0.0.1:8082:80', '80'"
verdict "nobody was to end for any of it" eval 'goes_on 8082/tcp && ! grep -q "draining" engined.log'
kill "$other"; wait "$other" 2>/dev/null
verdict "the port gets free: its successor is there by itself" within 20 eval 'asks 8082 && asks 8081 && [ "$(pid web)" != "$before" ] && ! asks 8080'
verdict "no log has had a line for each time" eval '! grep NET_PUBLISH netd.log'
verdict "people are told once" eval '[ "$(grep -c "web: all of its ports can be had now" console)" = 1 ] && [ "$(grep -c "web: port" console)" = 1 ]'
verdict "and the port that may be any is the same" within 10 asks "$any"
before=$(pid web)
anew "'10.99.0.1:8081:80', '8082:80', '80'"
verdict "a file with an address that is not there yet" within 20 grep -F "web: port 8081/tcp: " console
ip addr add 10.99.0.1/32 dev lo
verdict "when it comes the port of before makes way" within 20 eval './netpal ask1 10.99.0.1 8081 && ./netpal ask1 10.99.0.1 8082 && [ "$(pid web)" != "$before" ]'
ip addr del 10.99.0.1/32 dev lo
before=$(pid web)
anew "'127.0.0.1:8083:80', '80'"
verdict "the file is right again: its successor is there" within 20 eval 'asks 8083 && [ "$(pid web)" != "$before" ]'
verdict "and the port of before is closed" eval '! asks 8080 && ! grep -q "web: port" console'
before=$(pid web)
anew "'8083:80', '80'"
verdict "one that the port of before is in the way of" within 20 eval '[ "$(pid web)" != "$before" ] && asks 8083'
before=$(pid web)
anew "'127.0.0.1:8083:80', '80'"
verdict "and back" within 20 eval '[ "$(pid web)" != "$before" ] && asks 8083'
before=$(pid web)
anew "'0.0.0.0:8083:80', '80'"
verdict "so it is of one for all addresses of the family" within 20 eval '[ "$(pid web)" != "$before" ] && asks 8083 && ! grep "web: port" console'
verdict "nothing that is not there was asked of netd" eval '! grep "is not published" engined.log netd.log'
anew "'127.0.0.1:8080:80', '10.99.0.1:8081:80'"
before=$(pid web)
verdict "once more, until the machine's stop" within 20 grep -F "web: port 8081/tcp: " console

kill -PWR "$engined"; wait "$engined"
verdict "the machine's stop ends the containers, also who does not obey" within 10 eval '! pgrep -x netpal'
verdict "no port is left" within 5 eval '! ./netpal ask1 127.0.0.1 8080 | grep -q hello && ! ss -ltn | grep -q ":808[0-3] "'
kill "$netd"; wait "$netd"
verdict "no gateway is left" within 5 eval '! pgrep -x gated'
verdict_end
