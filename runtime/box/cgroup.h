/* cgroup.h - one cgroup v2 directory that this program made.
 *
 * The directory outlives the process: it is found again by its name. Knows nothing
 * of containers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cgroup_values;
struct err;

/* The directory `box` below the machine's cgroup root, with every controller that there is turned
 * on for its children. -1 with e->number ENOENT: the machine has no cgroup v2 at /sys/fs/cgroup. */
int cgroup_open_parent(struct err *e);

/* Makes the directory (one that a crash left is emptied and reused) and writes the limits. Returns
 * its fd. */
int cgroup_create(int parent_fd, const char *name, const struct cgroup_values *values,
		  struct err *e);
int cgroup_open(int parent_fd, const char *name, struct err *e);

/* Every process in it, at once (cgroup.kill). An empty or missing one is fine. */
int cgroup_kill(int parent_fd, const char *name, struct err *e);
/* EBUSY in e->number while a process is still on its way out. A missing one is fine. */
int cgroup_remove(int parent_fd, const char *name, struct err *e);

/* The fd of memory.events, which reports EPOLLERR on a change; -1 without the memory controller. */
int cgroup_open_events(int cgroup_fd);
uint64_t cgroup_oom_kills(int events_fd);		/* 0 when it cannot be read */
uint64_t cgroup_memory_max(int cgroup_fd);		/* 0 = no limit */
