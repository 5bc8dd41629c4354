#!/bin/bash
# A machine whose /run has no room left: what runs goes on, a gateway that dies comes back, a container that cannot start
# says why and leaves nothing, and everything works again when there is room.
# usage: tests/system/engine_full.sh   (BIN=DIR: where the programs are, default build/bin)
set -u
. "$(dirname "$0")/engine_world.bash"
engine_world -- "$@"

# shellcheck disable=SC2034 # lib.sh
NAME=engine_full
compose() { # [MORE]: services beside web
	printf 'services:\n  web: {image: t, command: [/bin/netpal, serve, "80", hello], restart: always, ulimits: {nofile: 1024}, ports: ["127.0.0.1:8080:80"]}\n'
	printf "$1\n"; } >compose.yaml
late='  late: {image: t, command: [/bin/netpal, ask, web, "80"], restart: always, ulimits: {nofile: 1024}, ports: ["127.0.0.1:8081:80"]}'
asks() { ./netpal ask1 127.0.0.1 8080 | grep -q "said hello"; }
# Everything of a container that could be left, and what the daemons have open.
left() { find /run ! -path '/run/fill*' | sort; cut -d ' ' -f 2 /proc/mounts | sort; find /sys/fs/cgroup -name late; ls /data/box/trash
	for p in $boxd $netd; do ls "/proc/$p/fd" | wc -l; done
	ip -o link | wc -l; pgrep -c boxmon; }
same() { left >left.now; cmp -s left.before left.now; }
unchanged() { within 5 same || { diff left.before left.now; return 1; }; }
# engined anew, as at a boot with another file; $full stands for what it does to /run.
anew() { kill -9 "$engined"; wait "$engined" 2>/dev/null; compose "$1"; : >console; engined; }

mount -t tmpfs -o mode=755,size=2m,nr_inodes=200 run /run
mkdir -p /run/net /run/cuvette
echo 'nameserver 192.0.2.1' >/run/net/resolv.conf
compose ''
serve boxd; serve netd; engined
verdict "a container serves" within 20 asks

no_bytes() { ! dd if=/dev/zero of=/run/fill/x bs=4k 2>/dev/null; }
no_files() { local i=0; while : 2>/dev/null >"/run/fill/$i"; do i=$((i + 1)); done 2>/dev/null; }
for full in no_bytes no_files; do
	verdict "$full: another one does not start" eval 'left >left.before; mkdir -p /run/fill; $full; anew "$late"; within 20 grep -q "^late could not be started: .*: No space left on device: /run is full: remove files there$" console'
	verdict "in so many words, once for each try" eval '[ "$(grep -c "No space left" console)" -le $(($(grep -c "late: starts again" console) + 1)) ]'
	verdict "nothing of it is left" unchanged
	verdict "who ran before goes on" asks
	verdict "its gateway may die" eval 'old=$(pgrep -x gated); kill -9 $old; within 10 eval "asks && [ \"\$(pgrep -x gated)\" != \"$old\" ]"'
	before=$(pid web)
	kill -9 "$before"
	verdict "and it may end, and starts in its own place" within 20 eval '[ -e /run/box/web/run ] && [ "$(pid web)" != "$before" ] && asks'
	rm -r /run/fill
	verdict "with room the other one starts" within 20 said late "web said hello"
	verdict "and goes again with the file" eval 'anew ""; within 20 eval "! [ -e /run/box/late ] && ! [ -e /data/box/containers/late ]"'
	verdict "as if it had never been" unchanged
done

kill -PWR "$engined"; wait "$engined"
kill "$netd"; wait "$netd"
verdict_end
