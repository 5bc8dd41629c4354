# engine_world.bash - the world of the stories about engined with its makers: boxd, netd and gated as the appliance has
# them, in a root, namespaces and a network of the story's own. Built programs are needed, and the machine's root.
#
#   . engine_world.bash
#   engine_world FILE... -- "$@"     goes on inside, in /tmp of that root; the FILEs beside the story lie there too
#   engine_outside                   a world for it to reach: it takes engine_policy.py among the FILEs
#   serve boxd; serve netd; engined  with compose.yaml there
#
# Of lib.sh: verdict and its like; the story sets NAME.
# shellcheck shell=bash
skip() { echo "1..0 # SKIP $1"; exit 77; }

engine_world() {
	local files=() here
	while [ "$1" != -- ]; do files+=("$1"); shift; done
	here=$(cd "$(dirname "$0")" && pwd)
	if [ "${2-}" = --inside ]; then
		engine_root "$here" "${files[@]}"
		return
	fi
	local out=${O:-build} bin work cc program flags="-std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wno-format-truncation -Iruntime -static" root
	bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) || skip "build the programs first"
	for program in boxd boxmon engined enginectl netd gated; do [ -x "$bin/$program" ] || skip "build $program first"; done
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	grep -qw overlay /proc/filesystems || skip "the kernel has no overlayfs"
	[ -c /dev/net/tun ] || skip "the machine has no /dev/net/tun"
	cc="$out/sysroot/bin/musl-gcc" work=$out/test/$(basename "$0" .sh)
	[ -x "$cc" ] || skip "no musl-gcc: make first"
	mkdir -p "$work"
	# shellcheck disable=SC2086 # words
	"$cc" $flags -o "$work/netpal" "$here/netpal.c" &&
		"$cc" $flags -o "$work/netctl" "$here/netctl.c" runtime/lib/{address,err,fd,log,msg,str,time}.c runtime/wire/wire.c &&
		"$cc" $flags -o "$work/boxctl" "$here/boxctl.c" runtime/oci/*.c runtime/lib/{address,arena,buf,err,fd,json*,log,msg,str}.c \
			runtime/wire/*.c -lyyjson || exit 1
	root=$(mktemp -d)
	# shellcheck disable=SC2064 # now
	trap "rmdir '$root'" EXIT
	unshare --net --mount --pid --fork --kill-child env bin="$bin" work="$(cd "$work" && pwd)" root="$root" bash "$0" --inside
	exit
}

# A tmpfs as root, the tool root below /host, what the appliance has at its places.
engine_root() { # HERE FILE...
	local here=$1 layer=images/t/layers/0
	shift
	set -e
	mount -t tmpfs -o mode=755 world "$root"
	cd "$root"
	mkdir -p host old usr/lib/cuvette proc sys dev run/net run/cuvette data/engine tmp images/t/layers/0
	ln -s host/usr/bin bin; ln -s host/usr/sbin sbin; ln -s host/usr/lib lib; ln -s host/usr/lib64 lib64; ln -s host/etc etc
	ln -s ../host/usr/bin usr/bin; ln -s ../host/usr/sbin usr/sbin
	cp "$bin"/{boxd,boxmon,engined,enginectl,netd,gated} usr/lib/cuvette/
	cp "$work"/{netpal,netctl,boxctl} tmp/
	cp "$here/lib.sh" "${@/#/$here/}" tmp/
	# One of the lab's wheels: a strict parser of metrics.
	cp "${CUVETTE_CACHE-}"/dl/wheels/*/prometheus_client-*.whl tmp/ 2>/dev/null || true
	mount --bind / host
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount --rbind /dev dev
	mount -t cgroup2 none sys/fs/cgroup 2>/dev/null || skip "no cgroup v2 here"
	mount -t tmpfs -o mode=755 data data
	mkdir data/engine; chown 101:101 data/engine; chmod 700 data/engine
	echo 'nameserver 192.0.2.1' >run/net/resolv.conf
	mkdir -p $layer/{bin,tmp,proc,sys,dev,etc}
	install -m 755 "$work/netpal" $layer/bin/netpal
	echo '{"schema":1,"name":"t","digest":"sha256:one","layers":["layers/0"],"config":{}}' >images/t/image.json
	pivot_root . old
	cd /tmp
	umount -l /old
	set +e
	export LC_ALL=C
	echo quiet >cmdline
	. ./lib.sh
	ip link set lo up
}

failed_shows() { tail -n 30 engined.log netd.log boxd.log console; tail -n 4 /data/box/containers/*/log; }
serve() { # NAME: as svd starts it
	case $1 in boxd) ctl=boxctl ;; *) ctl=netctl ;; esac
	rm -f /run/cuvette/"$1".sock
	./$ctl serve /run/cuvette/"$1".sock /usr/lib/cuvette/"$1" >/dev/null 2>>"$1".log & eval "$1=$!"
	within 10 test -S /run/cuvette/"$1".sock && chown 101 /run/cuvette/"$1".sock; }
# With enginectl's socket, as svd passes it.
# shellcheck disable=SC2034 # the story's
engined() {
	./netctl serve /run/cuvette/engined.sock /bin/bash -c 'CUVETTE_FDS=engined.sock:compose:cmdline:console \
		exec /usr/lib/cuvette/engined 4<compose.yaml 5<cmdline 6>>console 2>>engined.log' >/dev/null & engined=$!
	within 10 test -S /run/cuvette/engined.sock; }
enginectl() { /usr/lib/cuvette/enginectl "$@"; }
log() { cat /data/box/containers/"$1"/log 2>/dev/null; }
said() { log "$1" | grep -qF -- "$2"; }
pid() { sed -n 's/^pid //p' "/run/box/$1/run"; }
in_box() { local box=$1; shift; nsenter -t "$(pid "$box")" -n "$@"; }
runs() { [ -e "/run/box/$1/run" ] && in_box "$1" ip -4 addr show eth0 2>/dev/null | grep -q inet; }
out() { nsenter -t "$outside" -n "$@"; }
# The world outside, $OUT and $OUT6: a namespace at the end of a veth, where engine_policy.py serves names and ports.
engine_outside() {
	export PYTHONHOME=/host/usr
	OUT=10.77.0.2 OUT6=fd77::2
	unshare --net sleep 1000 & outside=$!
	within 5 eval '[ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]'
	ip link add w0 type veth peer name w1 netns "/proc/$outside/ns/net"
	ip addr add 10.77.0.1/24 dev w0; ip addr add fd77::1/64 dev w0 nodad; ip link set w0 up
	out ip link set lo up; out ip addr add $OUT/24 dev w1; out ip addr add $OUT6/64 dev w1 nodad; out ip link set w1 up
	mkfifo world.in; sleep 1000 >world.in & out python3 engine_policy.py outside $OUT $OUT6 <world.in >world.log 2>&1 &
	within 10 grep -q serves world.log
	echo "nameserver $OUT" >/run/net/resolv.conf
}
