#!/bin/bash
# What is reached from where: containers of each kind of network (the project's own bridge, a user's one, an internal one,
# two of them, none, the machine's, another container's) against every class of addresses, by TCP, UDP and echo. The table of it is
# printed and compared with gate_matrix.expected; who asks and who hears is gate_matrix.py. SECURITY F4.
# usage: tests/system/gate_matrix.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
. "$(dirname "$0")/engine_world.bash"
engine_world gate_matrix.py gate_matrix.expected netlib.py -- "$@"

# shellcheck disable=SC2034 # lib.sh
NAME=gate_matrix
cat >compose.yaml <<'C'
services:
  default1: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep]}
  default2: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep]}
  user1: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], networks: {user: {ipv4_address: 172.30.0.2}}}
  user2: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], networks: {user: {ipv4_address: 172.30.0.3}}}
  inner1: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], networks: {inner: {ipv4_address: 172.31.0.2}}}
  inner2: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], networks: {inner: {ipv4_address: 172.31.0.3}}}
  two: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep],
    networks: {user: {ipv4_address: 172.30.0.4}, inner: {ipv4_address: 172.31.0.4}}}
  peer: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep],
    networks: {default: {ipv4_address: 172.29.0.5}, inner: {ipv4_address: 172.31.0.5}}}
  none: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], network_mode: none}
  host: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], network_mode: host}
  shared: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, sleep], network_mode: 'container:user1'}
networks:
  default: {enable_ipv6: true, ipam: {config: [{subnet: 172.29.0.0/16}]}}
  user: {enable_ipv6: true, ipam: {config: [{subnet: 172.30.0.0/16}]}}
  inner: {enable_ipv6: true, internal: true, ipam: {config: [{subnet: 172.31.0.0/16}]}}
C
serve boxd; serve netd; engined
BOXES='default1 default2 user1 user2 inner1 inner2 two peer none host shared'
all() { for c in $BOXES; do [ -n "$(pid $c 2>/dev/null)" ] || return; done; }
verdict "containers of each kind of network run" within 30 all
[ $failed = 0 ] || { verdict_end; exit; }
for c in $BOXES; do words="${words-} $c=$(pid $c)"; done
# shellcheck disable=SC2086 # words
PYTHONHOME=/host/usr PYTHONDONTWRITEBYTECODE=1 python3 gate_matrix.py $words >table 2>matrix.err
verdict "each class of addresses was asked from each" test -s table
sed 's/^/# /' table matrix.err
verdict "what is reached is what the table says" diff -u gate_matrix.expected table
verdict_end
