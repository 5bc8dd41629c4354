/* mount_do.h - carries a mount plan out, inside the container's namespaces, by fds alone.
 *
 * Runs as the container's root, in a mount namespace of its own: whatever it makes belongs to the
 * container. Its working directory and its umask change, and at most FD_PILE_MAX + 4 fds stay open
 * (lib/fd_pile.h): who closes all others before the program is looked up closes them as well. */
#pragma once

struct err;
struct mount_plan;
struct mount_sources;

/* Afterwards the root is complete, but not yet "/" for this process. */
int mount_do(const struct mount_plan *plan, struct mount_sources *sources, struct err *e);

/* Makes the root "/" and drops every mount of the machine. */
int mount_do_enter(const struct mount_plan *plan, const struct mount_sources *sources,
		   struct err *e);
