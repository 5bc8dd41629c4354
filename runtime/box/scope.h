/* scope.h - the systemd unit of one container while it is made, changed and ended.
 *
 * A scope begins with a process, and the container's first one is made right into its cgroup
 * (clone3), which is there only then. So a seat keeps the place: a child that does nothing, in a
 * cgroup of its own beside the container's, from scope_begin to scope_unseat. It dies with its
 * maker, and then systemd takes the empty scope away by itself.
 *
 *   scope_begin -> the caller records the cgroup -> cgroup_create -> first process -> scope_unseat
 *
 * A unit of that name may be another's by the time that this one is to be ended: the description,
 * which has id and time, tells whose it is. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "box/cgroup_path.h"

struct arena;
struct cgroup_values;
struct err;
struct systemd_scope;

struct scope_seat {
	pid_t pid;		/* of the child, 0 = there is none */
	int cgroup_fd;		/* the unit's */
	char cgroup[CGROUP_PATH_MAX];	/* the same, below the cgroup2 mount */
};

enum { SCOPE_DESCRIPTION_BYTES = 384 };	/* an id of 255 bytes and a time */

/* What a container's records say of its unit. */
struct scope_record {
	const char *unit;	/* borrowed */
	bool user;		/* of the user's own manager */
	char description[SCOPE_DESCRIPTION_BYTES];
};

void scope_record_make(struct scope_record *r, const char *unit, bool user, const char *id,
		       const char *created);

/* After a failure nothing is left. */
int scope_begin(struct scope_seat *seat, int mount_fd, const struct systemd_scope *scope,
		const struct scope_record *r, struct err *e);
void scope_unseat(struct scope_seat *seat);	/* zeroed is fine */

/* Until the caller may make processes in a cgroup of the user's manager: who logs in stands in a
 * session's scope, beside that manager's part of the tree, and the kernel lets nobody but root
 * across. Then systemd moves the caller into a scope of its own, box-PID.scope, that ends with it.
 */
int scope_come_near(int mount_fd, const char *cgroup, struct err *e);

/* The limits of a unit that runs. */
int scope_update(const struct scope_record *r, struct arena *a,
		 const struct cgroup_values *limits, struct err *e);

enum scope_state { SCOPE_GONE, SCOPE_OURS, SCOPE_UNKNOWN };	/* UNKNOWN: no systemd answers */

/* -1 with a sentence when systemd answers something else. GONE: not there, or another's. */
int scope_look(const struct scope_record *r, struct err *e);
/* As scope_look; one that is ours stops, and systemd has forgotten it in the end. Its processes
 * should have ended before. */
int scope_end(const struct scope_record *r, struct err *e);
