/* target_end.h - everything that runs in a container: found, and ended for good. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct arena;
struct err;
struct oci_spec;
struct target;

struct target_pids {
	pid_t *items;		/* in the arena */
	size_t count;
};

/* By its cgroup; without one by the pid namespace of its first process. */
int target_pids(const struct target *t, struct target_pids *pids, struct arena *a, struct err *e);

/* To every process in it. */
int target_signal_all(const struct target *t, int signal, struct arena *a, struct err *e);

/* SIGKILL to all of it, until its first process has ended. Fine when nothing runs. */
int target_kill(const struct target *t, struct err *e);

/* What a container that has ended leaves: cgroup, then the hooks poststop, then its folder. spec
 * NULL: read from there. */
int target_clear(struct target *t, const struct oci_spec *spec, struct arena *a, struct err *e);
