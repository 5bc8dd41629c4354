/* cgroup.h - one cgroup v2 directory: made with its limits, opened, changed, ended, removed.
 *
 * A cgroup is named by a directory fd (the cgroup2 mount, or the service's own cgroup) and a path
 * below it (cgroup_path.h; a leading slash is fine). It outlives the process: who keeps the path
 * finds it again. cgroup.c makes and changes one; cgroup_tree.c does what concerns everything below
 * it. Knows nothing of containers.
 *
 * Source: the kernel's admin-guide/cgroup-v2.rst. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup_values;
struct err;

/* The root of the cgroup2 mount: /sys/fs/cgroup, or its folder `unified` beside v1. -1 with
 * e->number ENOENT: the machine has none. */
int cgroup_open_mount(struct err *e);
/* The directory `box` of the service below /sys/fs/cgroup, with every controller that there is
 * turned on for its children. Fails as cgroup_open_mount. */
int cgroup_open_parent(struct err *e);

/* Makes the directory and those above it, with the controllers turned on from above that there are,
 * and writes the limits. An empty one may be there already; processes in it or a frozen one are an
 * error. Returns its fd, fit for CLONE_INTO_CGROUP. After a failure nothing new is left but
 * directories above it. *is_new: it was not there already. */
int cgroup_create(int dir_fd, const char *path, const struct cgroup_values *values, bool *is_new,
		  struct err *e);
int cgroup_open(int dir_fd, const char *path, struct err *e);
/* The one that a process is in: where exec goes when the container has split its own cgroup up and
 * the kernel lets no process into it any more (clone3: EBUSY). */
int cgroup_open_process(int mount_fd, pid_t pid, struct err *e);

/* Writes limits to a live cgroup, in their order. */
int cgroup_apply(int cgroup_fd, const struct cgroup_values *values, struct err *e);

/* Gives the directory and the files of /sys/kernel/cgroup/delegate to uid, so that the container
 * can make cgroups of its own below it without being able to raise its limits. When:
 * cgroup_owner_wanted (cgroup_owner.h). */
int cgroup_give(int cgroup_fd, uid_t uid, struct err *e);

/* cgroup_tree.c: the cgroup with everything below it. Waits are bounded by wait_ms and end as soon
 * as the kernel says so. */

/* Every process in it, at once (cgroup.kill). An empty or missing one is fine. */
int cgroup_kill(int dir_fd, const char *path, struct err *e);
/* Removes it and all below it, children first. EBUSY in e->number: processes are still on their way
 * out after wait_ms (0 = one try). A missing one is fine. */
int cgroup_remove(int dir_fd, const char *path, unsigned wait_ms, struct err *e);
/* When nothing lives in it and there is none below it: true, and then nobody needs killing. */
bool cgroup_remove_unused(int dir_fd, const char *path);
/* Stops or continues everything in it and waits until it has happened; a freeze that does not come
 * to its end is taken back. */
int cgroup_freeze(int cgroup_fd, bool frozen, unsigned wait_ms, struct err *e);

struct cgroup_state {
	bool populated, frozen;
};
int cgroup_state_read(int cgroup_fd, struct cgroup_state *state, struct err *e);
/* Until nobody lives in it, at most wait_ms; false = somebody does. */
bool cgroup_wait_empty(int cgroup_fd, unsigned wait_ms);

struct cgroup_pids {
	pid_t *items;			/* malloc'd: mem_free(&items) */
	size_t count;
};
/* Of it and of all below it, as numbers of the caller's pid namespace. */
int cgroup_procs(int cgroup_fd, struct cgroup_pids *pids, struct err *e);
/* Sends a signal to each; SIGKILL goes to all at once. */
int cgroup_signal(int cgroup_fd, int signal, struct err *e);

/* The fd of memory.events, which reports EPOLLPRI and EPOLLERR on a change; -1 without the memory
 * controller. */
int cgroup_open_events(int cgroup_fd);
uint64_t cgroup_oom_kills(int events_fd);		/* 0 when it cannot be read */
uint64_t cgroup_memory_max(int cgroup_fd);		/* 0 = no limit */
