#!/bin/bash
# Replicas on this kernel, with engined, boxd, netd and gated: one published port and one name for several containers,
# health, and a rolling replacement under a client that never stops asking.
# usage: tests/system/engine_replicas.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
. "$(dirname "$0")/engine_world.bash"
engine_world -- "$@"

# shellcheck disable=SC2034 # lib.sh
NAME=engine_replicas
compose() { # VERSION WEB-REPLICAS BALANCE-OF-PAIR DELAY-OF-PAIR
	cat >compose.yaml <<C
services:
  web:
    image: t
    command: [/bin/netpal, linger, '80', '$1']
    restart: always
    ulimits: {nofile: 1024}
    stop_grace_period: 3s
    deploy: {replicas: $2, update_config: {order: start-first}}
    healthcheck: {test: [CMD, /bin/netpal, absent, /tmp/ill], interval: 200ms, timeout: 5s, retries: 2, start_period: 10s, start_interval: 100ms}
    ports: ['127.0.0.1:8080:80']
    expose: [9]
  pair:
    image: t
    command: [/bin/netpal, linger, '80', '$1']
    restart: always
    ulimits: {nofile: 1024}
    stop_grace_period: 1s
    scale: 2
    labels: {cuvette.balance: $3}
    deploy: {update_config: {delay: ${4-0s}}}
    ports: ['8081:80']
  one: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, linger, '80', '$1', '700'], ports: ['8082:80'], stop_grace_period: 1s}
  ask: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], depends_on: {web: {condition: service_healthy}}}
C
}
again() { kill -9 "$engined"; wait "$engined" 2>/dev/null; engined; }
there() { for b in /run/box/"$1"*/run; do b=${b%/run}; [ -e "$b/run" ] && echo "${b##*/}"; done | xargs; }
health() { sed -n 's/.*"health":"\([a-z]*\)".*/\1/p' "/data/engine/containers/$1.json"; }
is() { [ "$2" = "$1" ] || { echo "$2 instead of $1"; false; }; }
storm_begins() { rm -f end; mkfifo end; ./netpal storm 127.0.0.1 "$1" 0 <end >told & storm=$!; exec 9>end; }
storm_ends() { echo >&9; wait "$storm"; status=$?; exec 9>&-; cat told; return $status; }
all_are() { # VERSION PORT COUNT
	./netpal storm 127.0.0.1 "$2" 30 >all 2>&1; [ "$(grep -c " $1 " all)" = "$3" ] && ! grep -v " $1 \|^refused 0, cut off 0" all; }
compose v1 3 round-robin
serve boxd; serve netd; engined

verdict "so many containers as the file says, with numbers" within 20 eval 'is "web-1 web-2 web-3" "$(there web)"'
[ $failed = 0 ] || { verdict_end; exit; }	# nothing below could do better
verdict "their health is checked" within 20 eval '[ "$(health web-1) $(health web-2) $(health web-3)" = "healthy healthy healthy" ]'
verdict "who depends on them starts then" within 20 test -e /run/box/ask/run
verdict "one port, each in turn" within 10 all_are v1 8080 3
verdict "and the same share for each" eval 'grep -c "^10 v1 web-" all | grep -qx 3'
verdict "one name has the addresses of all" eval 'is 3 "$(nsenter -t "$(pid ask)" -n -m /bin/netpal names web | sort -u | wc -l)"'
verdict "each has its own name too" eval 'is 1 "$(nsenter -t "$(pid ask)" -n -m /bin/netpal names web-2 | sort -u | wc -l)"'
gateway() { nsenter -t "$(pid ask)" -n ip route | sed -n 's/^default via \([^ ]*\).*/\1/p'; }
srv() { nsenter -t "$(pid ask)" -n dig +short "@$(gateway)" "_$1._tcp.web" SRV; }
if command -v dig >/dev/null; then
	verdict "SRV records name each" eval 'is 3 "$(srv 80 | grep -c "web-[123]")"'
	verdict "and of a port that is only exposed" eval 'is 3 "$(srv 9 | grep -c "web-[123]")"'
	verdict "there is none of another one" eval 'is 0 "$(srv 8 | grep -c .)"'
fi

before=$(pid web-2)
storm_begins 8080
kill -9 "$before"
verdict "one is killed: it comes back" within 20 eval '[ -e /run/box/web-2/run ] && [ "$(pid web-2)" != "$before" ]'
verdict "and nobody was refused" eval 'storm_ends; grep -q "refused 0" told'
verdict "it is healthy again" within 20 eval 'is healthy "$(health web-2)"'

./netpal storm 127.0.0.1 8080 3 >/dev/null
kill -USR1 "$(pid web-2)"
verdict "one is ill: its check says so" within 20 eval 'is unhealthy "$(health web-2)"'
verdict "people are told" grep -q "web-2: is unhealthy: its check failed 2 times in a row" console
verdict "it gets no new connection" within 5 all_are v1 8080 2
verdict "it runs on" eval 'is "web-1 web-2 web-3" "$(there web)" && ! grep -q web-2 all'
kill -USR2 "$(pid web-2)"
verdict "it is well again, and gets some" within 20 all_are v1 8080 3

./netpal hold 127.0.0.1 8081 >held & holder=$!
within 5 test -s held
verdict "round-robin does not care who is busy" eval 'all_are v1 8081 2 && grep -c "^15 " all | grep -qx 2'
compose v1 3 least-connections
again
verdict "the balance changes with the file" within 10 all_are v1 8081 1
verdict "least-connections sends all to the other one" eval '! grep -q "$(cut -d" " -f2 held)" all'
verdict "and nobody was replaced or cut off for it" eval 'is "v1 pair-[12]" "$(sed "s/[12]$/[12]/" held)" && is "web-1 web-2 web-3" "$(there web)"'
kill "$holder"

./netpal hold 127.0.0.1 8080 >held & holder=$!
within 5 test -s held
storm_begins 8080
compose v2 3 least-connections
again
verdict "a new version, one after the other: all are new" within 60 all_are v2 8080 3
verdict "no connection was refused or cut off" storm_ends
verdict "there were old and new ones" eval 'grep -q " v1 " told && grep -q " v2 " told'
verdict "a connection that stays is waited for, as long as its grace period" within 15 grep -q "web-.*draining -> stopping (due)" engined.log
verdict "then it is cut off" within 5 grep -q "cut off" held
verdict "the old ones are gone" within 10 eval 'is 3 "$(there web | wc -w)"'
wait "$holder"
verdict "those who stop first come to the same" within 30 all_are v2 8081 2

storm_begins 8082
compose v3 2 least-connections
again
verdict "a single one that stops first, and listens late" within 30 all_are v3 8082 1
verdict "lets its clients wait, and refuses none" storm_ends
verdict "fewer are wanted: so many stay" within 40 eval 'all_are v3 8080 2 && is 2 "$(there web | wc -w)"'
versions() { ./netpal storm 127.0.0.1 "$1" 30 2>&1 | sed -n 's/.* \(v[0-9]*\) .*/\1/p' | sort -u | xargs; }
verdict "the pair is of the last file" within 30 all_are v3 8081 2
compose v4 2 round-robin 1h
again
verdict "with a delay one is replaced" within 30 eval 'is "v3 v4" "$(versions 8081)"'
# Longer than a new one has to run to count as working.
verdict "the other one waits" eval 'sleep 3; is "v3 v4" "$(versions 8081)"'
compose v4 2 round-robin 0s
again
verdict "and goes when there is none any more" within 30 all_are v4 8081 2

# A file with a port that somebody else has.
./netpal serve 8084 other >/dev/null & other=$!
sed -i "s/'8081:80'/'8083:80', '8084:80'/" compose.yaml
: >console
again
verdict "a port that cannot be had: both run on at the port of before" within 20 eval 'grep "pair-[12]: port 8084/tcp" console && all_are v4 8081 2 && ! ss -ltn | grep ":8083 "'
kill "$other"; wait "$other" 2>/dev/null
verdict "it gets free: both have successors at all of the ports" within 30 eval 'all_are v4 8083 2 && all_are v4 8084 2 && ! ss -ltn | grep ":8081 "'
verdict "people are told once for both" eval 'is 1 "$(grep -c "pair-[12]: port" console)" && is 1 "$(grep -c "pair-[12]: all of its ports" console)"'
kill -PWR "$engined"; wait "$engined"
verdict "the machine's stop ends all" within 10 eval '! pgrep -x netpal'
verdict "no port is left" within 5 eval '! ss -ltn | grep -q ":808[0-4]"'
verdict_end
