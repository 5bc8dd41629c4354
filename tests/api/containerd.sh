#!/bin/bash
# Debian's containerd with our runtime in the appliance's kernel: `ctr run --runc-binary box`, tasks, exec, metrics.
# RUNTIME=crun KERNEL_OF=debian shows which failures are containerd's own; box alone runs without BPF.
. "$(dirname "$0")/../vm/lib_peers.bash"
peers_runtime_story containerd
