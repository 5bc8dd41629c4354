/* mount_source.h - what a container's mounts come from: detached mounts, by fd.
 *
 * Opened by the stage before it clones the container's first process, which inherits the fds; a
 * detached mount that the stage changes later (id maps) is the same object in both. Everything is
 * O_CLOEXEC. Paths are the machine's and the caller's own, as the specification names them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct mount_plan;

struct mount_sources {
	int bundle_fd;		/* relative paths count from here; AT_FDCWD where that is the cwd */
	int cgroup_fd;		/* the container's cgroup, for MOUNT_CGROUP; -1 = none */
	int root_fd;		/* the root; opened here when the plan has a root_path */
	int *fds;		/* by mount_step.source; -1 = not there yet (volumes) */
	int nodes_fd; /* a file system of device nodes, each named by mount_step.index; -1 */
	char **links;		/* copy-symlink: what the link says; else NULL */
	size_t count;
	bool late;		/* the caller may not: see mount_sources_open */
};

/* All fds -1, bundle_fd AT_FDCWD. */
void mount_sources_init(struct mount_sources *s, const struct mount_plan *plan);

/* The root, bind sources, /sys and the own cgroup; id maps that a mount brings along.
 *
 * An ordinary user may copy no mounts, but the first process of its new user namespace may: then
 * nothing is opened but `late` set, the bundle becomes the working directory, and mount_do opens
 * all in its mount namespace. */
int mount_sources_open(struct mount_sources *s, const struct mount_plan *plan, struct err *e);
int mount_sources_open_late(struct mount_sources *s, const struct mount_plan *plan, struct err *e);

/* After the clone: id maps of the container's own user namespace. Nothing to do without such. */
int mount_sources_map(struct mount_sources *s, const struct mount_plan *plan, int user_ns_fd,
		      struct err *e);

/* Frees, and closes all but bundle_fd and cgroup_fd, which are the caller's. */
void mount_sources_close(struct mount_sources *s);
