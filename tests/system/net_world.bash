# net_world.bash - the world of the stories about netd: built programs, then network, mount and pid namespaces of the
# story's own. The story is a Python file, run inside; netd's gateway is $GATED: plain, or by default the real one.
# shellcheck shell=bash
skip() { echo "1..0 # SKIP $1"; exit 77; }

# net_namespaces STORY.py: with NETD, CTL and GATED as paths. netd runs its gateway by a constant of the appliance's root:
# that gets the place by an overlay.
net_namespaces() {
	unshare --net --mount --pid --fork --mount-proc --kill-child bash -c '
		mount -t tmpfs -o mode=755 run /run &&
		mkdir -p /run/{upper,work,net} &&
		mount -t overlay -o lowerdir=/usr/lib,upperdir=/run/upper,workdir=/run/work overlay /usr/lib &&
		mkdir -p /usr/lib/cuvette &&
		cp "$NETD" /usr/lib/cuvette/netd && cp "$CTL" /run/netctl &&
		if [ "$GATED" = plain ]; then cp "$CTL" /usr/lib/cuvette/gated; else cp "$GATED" /usr/lib/cuvette/gated; fi &&
		ip link set lo up &&
		exec python3 "$0"' "$1"
}

# net_world STORY.py: on the host, or a reason why not
net_world() {
	local here out=${O:-build} bin work cc
	here=$(cd "$(dirname "$0")" && pwd)
	bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) || skip "build netd first"
	[ -x "$bin/netd" ] && [ -x "$bin/gated" ] || skip "build netd and gated first"
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	[ -c /dev/net/tun ] || skip "the machine has no /dev/net/tun"
	cc="$out/sysroot/bin/musl-gcc" work=$out/test/net
	[ -x "$cc" ] || skip "no musl-gcc: make first"
	mkdir -p "$work"
	"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Wno-format-truncation -Iruntime -static -o "$work/netctl" \
		"$here/netctl.c" runtime/lib/{address,err,fd,log,msg,str,time}.c runtime/wire/wire.c || exit 1
	NETD=$bin/netd CTL=$(cd "$work" && pwd)/netctl GATED=${GATED:-$bin/gated}
	export NETD CTL GATED
	net_namespaces "$here/$1"
}
