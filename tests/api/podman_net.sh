#!/bin/bash
# Debian's podman with a real network: namespaces that netavark and slirp4netns make, joined by our runtime by path.
# On Debian's kernel, since ours has no netfilter. RUNTIME=crun shows which failures are podman's own.
KERNEL_OF=debian MODULES=network
. "$(dirname "$0")/../vm/lib_peers.bash"
peers_runtime_story podman_net
