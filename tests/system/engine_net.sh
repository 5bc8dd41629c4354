#!/bin/bash
# engined, boxd, netd and gated together on this kernel: containers of a compose file on networks of their own, their
# names and published ports, and what happens when one of the programs is killed.
# usage: tests/system/engine_net.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
skip() { echo "1..0 # SKIP $1"; exit 77; }
if [ "${1-}" != --inside ]; then
	out=${O:-build} here=$(cd "$(dirname "$0")" && pwd)
	bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) || skip "build the programs first"
	for program in boxd boxmon engined netd gated; do [ -x "$bin/$program" ] || skip "build $program first"; done
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	grep -qw overlay /proc/filesystems || skip "the kernel has no overlayfs"
	[ -c /dev/net/tun ] || skip "the machine has no /dev/net/tun"
	cc="$out/sysroot/bin/musl-gcc" work=$out/test/engine_net
	[ -x "$cc" ] || skip "no musl-gcc: make first"
	mkdir -p "$work"
	flags="-std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static"
	# shellcheck disable=SC2086 # words
	"$cc" $flags -o "$work/netpal" "$here/netpal.c" &&
		"$cc" $flags -o "$work/netctl" "$here/netctl.c" runtime/lib/{address,err,fd,log,msg,str,time}.c runtime/wire/wire.c &&
		"$cc" $flags -o "$work/boxctl" "$here/boxctl.c" runtime/oci/*.c runtime/lib/{address,arena,buf,err,fd,json*,log,msg,str}.c \
			runtime/wire/*.c -lyyjson || exit 1
	root=$(mktemp -d)
	trap 'rmdir "$root"' EXIT
	unshare --net --mount --pid --fork --kill-child env bin="$bin" work="$(cd "$work" && pwd)" root="$root" here="$here" \
		bash "$0" --inside
	exit
fi

# ---- the world: a tmpfs as root, the tool root below /host, what the appliance has at its places
set -e
mount -t tmpfs -o mode=755 world "$root"
cp "$here/lib.sh" "$root/lib.sh"
cd "$root"
mkdir -p host old usr/lib/cuvette proc sys dev run/net run/cuvette data/engine tmp images/t/layers/0
ln -s host/usr/bin bin; ln -s host/usr/sbin sbin; ln -s host/usr/lib lib; ln -s host/usr/lib64 lib64; ln -s host/etc etc
ln -s ../host/usr/bin usr/bin; ln -s ../host/usr/sbin usr/sbin
cp "$bin"/{boxd,boxmon,engined,netd,gated} usr/lib/cuvette/
cp "$work"/{netpal,netctl,boxctl} tmp/
mount --bind / host
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t cgroup2 none sys/fs/cgroup 2>/dev/null || skip "no cgroup v2 here"
mount -t tmpfs -o mode=755 data data
mkdir data/engine; chown 101:101 data/engine; chmod 700 data/engine
echo 'nameserver 192.0.2.1' >run/net/resolv.conf
layer=images/t/layers/0
mkdir -p $layer/{bin,tmp,proc,sys,dev,etc}
install -m 755 "$work/netpal" $layer/bin/netpal
echo '{"schema":1,"name":"t","digest":"sha256:one","layers":["layers/0"],"config":{}}' >images/t/image.json
pivot_root . old
exec env LC_ALL=C bash -s <<'INSIDE'
set -u
umount -l /old
cd /tmp
# shellcheck disable=SC2034 # lib.sh
NAME=engine_net
. /lib.sh
ip link set lo up
failed_shows() { tail -n 30 engined.log netd.log boxd.log console; tail -n 4 /data/box/containers/*/log; }
cat >compose.yaml <<'C'
services:
  web:
    image: t
    command: [/bin/netpal, serve, '80', hello]
    restart: always
    ulimits: {nofile: 1024}
    ports: ['127.0.0.1:8080:80', '80']
    networks: {front: {aliases: [shop], ipv4_address: 172.30.0.9}}
  ask: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, web, '80'], networks: [front]}
  alias: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, shop, '80'], networks: [front]}
  far: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask, web, '80']}
  apart: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask1, 172.30.0.9, '80']}
  host: {image: t, ulimits: {nofile: 1024}, command: [/bin/netpal, ask1, host.docker.internal, '8080'], extra_hosts: ['host.docker.internal:host-gateway']}
  side: {image: t, ulimits: {nofile: 1024}, network_mode: 'service:web', command: [/bin/netpal, ask, localhost, '80']}
networks:
  front: {enable_ipv6: true, ipam: {config: [{subnet: 172.30.0.0/16}]}}
C
echo quiet >cmdline
serve() { # NAME: as svd starts it
	case $1 in boxd) ctl=boxctl ;; *) ctl=netctl ;; esac
	rm -f /run/cuvette/"$1".sock
	./$ctl serve /run/cuvette/"$1".sock /usr/lib/cuvette/"$1" >/dev/null 2>>"$1".log & eval "$1=$!"
	within 10 test -S /run/cuvette/"$1".sock && chown 101 /run/cuvette/"$1".sock; }
engined() { CUVETTE_FDS=compose:cmdline:console /usr/lib/cuvette/engined 3<compose.yaml 4<cmdline 5>>console 2>>engined.log & engined=$!; }
log() { cat /data/box/containers/"$1"/log 2>/dev/null; }
said() { log "$1" | grep -qF -- "$2"; }
asks() { ./netpal ask1 127.0.0.1 "$1" | grep -q "said hello"; }
pid() { sed -n 's/^pid //p' "/run/box/$1/run"; }
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
verdict "another network does not know the name" within 20 said far "web: "
verdict "nor does it reach the address" within 20 eval 'said apart "172.30.0.9: " && ! said apart hello'
verdict "nor the machine's loopback behind the gateway" within 20 eval 'said host "host.docker.internal: " && ! said host hello'

before=$(pid web)
kill -9 "$before"
verdict "it is started again" within 20 eval '[ -e /run/box/web/run ] && [ "$(pid web)" != "$before" ]'
verdict "its port answers again" within 20 asks 8080
verdict "at the same address" within 5 address web 172.30.0.9
verdict "and the same IPv6 address" grep -qF "\"$six\"" /data/engine/containers/web.json
verdict "at the same port, where it may be any" eval '[ "$(grep -o "published at port.*" console | sort -u | wc -l)" = 1 ]'

kill -9 "$netd"; wait "$netd" 2>/dev/null; : >netd.log; serve netd
verdict "netd killed: everything is declared again" within 20 asks 8080
verdict "and containers reach each other" eval 'nsenter -t "$(pid ask)" -n ./netpal ask1 172.30.0.9 80'
before=$(pid web)
kill -9 "$engined"; wait "$engined" 2>/dev/null
verdict "engined killed: ports go on" asks 8080
engined
verdict "a new one starts nothing" within 10 eval 'grep -c "taken over\|adopt\|created -> running" engined.log && [ "$(pid web)" = "$before" ]'
verdict "ports go on" within 10 asks 8080
verdict "the gateway is no container's to kill: it comes back" within 10 eval 'for g in $(pgrep -x gated); do kill -9 $g; done; within 5 asks 8080'
kill -PWR "$engined"; wait "$engined"
verdict "the machine's stop ends the containers" within 10 eval '! pgrep -x netpal'
verdict "no port is left" within 5 eval '! ./netpal ask1 127.0.0.1 8080 | grep -q hello && ! ss -ltn | grep -q :8080'
kill "$netd"; wait "$netd"
verdict "no gateway is left" within 5 eval '! pgrep -x gated'
verdict_end
INSIDE
