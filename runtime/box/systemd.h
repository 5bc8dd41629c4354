/* systemd.h - the few methods of systemd's manager that a transient unit needs, each until its job
 * is done.
 *
 * Root speaks to the machine's manager, everybody else to his own: over the bus, and where none
 * runs over the manager's own socket, as systemctl does. Waits are bounded by SYSTEMD_WAIT_MS.
 * Knows nothing of containers and cgroups.
 *
 * Source: org.freedesktop.systemd1(5), "The Manager Object"; the D-Bus Specification. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "box/dbus.h"

struct err;
struct systemd_properties;

enum {
	SYSTEMD_WAIT_MS = 20000,	/* jobs of scopes take milliseconds; a busy machine more */
	SYSTEMD_JOB_BYTES = 128,	/* "/org/freedesktop/systemd1/job/4294967295" */
};

struct systemd {
	struct dbus bus;
	const char *destination;	/* NULL over the manager's own socket */
	/* What signals have said of the unit that the present call is about. */
	const char *unit;
	char job[SYSTEMD_JOB_BYTES], result[32];	/* of the last job that ended */
	bool removed;
	const char *wanted_job;
};

/* Is the caller one who has a manager of his own: not root, or root of a user namespace? */
bool systemd_is_users(void);

/* user: the caller's own manager, not the machine's. */
int systemd_open(struct systemd *s, bool user, struct err *e);
void systemd_close(struct systemd *s);

/* Makes and starts it; pid is its first process. Taken: one of that name is there. */
int systemd_start(struct systemd *s, const char *unit, const char *description, pid_t pid,
		  const struct systemd_properties *properties, struct err *e);
/* New values for a unit that runs. */
int systemd_set(struct systemd *s, const char *unit, const struct systemd_properties *properties,
		struct err *e);
/* 1 = there is such a unit, with this description; 0 = none, or another's. */
int systemd_has(struct systemd *s, const char *unit, const char *description, struct err *e);
/* Until it has stopped and is forgotten. One that is not there is fine. */
int systemd_stop(struct systemd *s, const char *unit, struct err *e);
