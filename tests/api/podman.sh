#!/bin/bash
# Debian's podman with our runtime in the appliance's kernel: run, exec, pods, compose, limits, errors, bad days.
# RUNTIME=crun KERNEL_OF=debian shows which failures are podman's own; box alone runs without BPF.
. "$(dirname "$0")/../vm/lib_peers.bash"
peers_runtime_story podman
