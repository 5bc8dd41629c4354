/* cgroup_owner.h - whether a container's user gets the container's cgroup: pure.
 *
 * Source: runtime-spec config-linux.md, "Cgroup ownership". */
#pragma once

#include <stdbool.h>

struct oci_spec;

/* A new cgroup namespace and a writable mount of `cgroup` at /sys/fs/cgroup. The owner is then the
 * host's uid of process.user.uid (cgroup_give). */
bool cgroup_owner_wanted(const struct oci_spec *spec);
