/* mount_do.h - carries a mount plan out, inside the container's namespaces, by fds alone.
 *
 * Runs as the container's root, in a mount namespace of its own: whatever it makes belongs to the
 * container. Its working directory changes. */
#pragma once

struct err;
struct mount_plan;
struct mount_sources;

/* Afterwards the root is complete, but not yet "/" for this process. */
int mount_do(const struct mount_plan *plan, struct mount_sources *sources, struct err *e);

/* Makes the root "/" and drops every mount of the machine. */
int mount_do_enter(const struct mount_plan *plan, const struct mount_sources *sources,
		   struct err *e);
