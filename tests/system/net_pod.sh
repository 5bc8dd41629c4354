#!/bin/bash
# Pods: containers of `box` that join one network namespace by its path, as podman and containerd have them, in a network
# of netd's with its gateway. The story is net_pod.py.
# usage: tests/system/net_pod.sh   (BIN=DIR: where box, netd and gated are, default build/bin)
set -u
. "$(dirname "$0")/net_world.bash"
out=${O:-build} here=$(dirname "$0")
BOX=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd)/box NETPAL=$PWD/$out/test/net/netpal
[ -x "$BOX" ] || skip "build box first"
[ -x "$out/sysroot/bin/musl-gcc" ] || skip "no musl-gcc: make first"
mkdir -p "$out/test/net"
"$out/sysroot/bin/musl-gcc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wno-format-truncation -static -o "$NETPAL" "$here/netpal.c" || exit 1
export BOX NETPAL
net_world net_pod.py
