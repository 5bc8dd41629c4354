/* mount_do.h - carries a mount plan out, inside the container's namespaces, by fds alone.
 *
 * Runs as the container's root: whatever it makes belongs to the container. What that root may not
 * make itself (the overlay, idmapped volumes, the appliance's /sys) comes in as detached mounts. */
#pragma once

#include <stddef.h>

struct err;
struct mount_plan;

struct mount_sources {
	int place_fd; /* a folder of the appliance, in this mount namespace: the root is hung up
			 there */
	int root_fd;		/* the overlay */
	int sys_fd; /* the appliance's /sys without its submounts, -1 when the plan needs none */
	const int *volume_fds;	/* by mount_step.volume */
};

/* Afterwards the root is complete, but not yet "/" for this process. */
int mount_do(const struct mount_plan *plan, const struct mount_sources *sources, struct err *e);

/* Makes the root "/" and drops every mount of the appliance. */
int mount_do_enter(int root_fd, struct err *e);
