/* reconcile.h - what is wanted against what is there: the steps between. Pure.
 *
 * An image that changed means a new root, so the old task's files go (REPLACE). A revision that
 * changed while the task is down only means other settings: its files stay (START). What is not
 * known of a task that runs is "": then it is left alone, since somebody may be working in it. */
#pragma once

#include <stddef.h>

enum reconcile_found {
	RECONCILE_KEPT,			/* its files are there, it does not run */
	RECONCILE_RUNS,
	RECONCILE_ENDED,		/* it ran since the machine started, and ended */
};

struct reconcile_wanted {
	const char *name, *image, *revision;
};

struct reconcile_actual {
	const char *name, *image, *revision;	/* image, revision: "" when not known */
	enum reconcile_found found;
};

enum reconcile_kind {
	RECONCILE_START,
	RECONCILE_ADOPT,		/* it runs as wanted: watch it */
	RECONCILE_SETTLE,		/* it ended while nobody looked: ask the restart policy */
	RECONCILE_REPLACE,		/* remove, then start */
	RECONCILE_REMOVE,
};

struct reconcile_step {
	enum reconcile_kind kind;
	const char *name;
};

/* Removals first, then the wanted ones in their order. steps has room for both counts together. */
size_t reconcile(const struct reconcile_wanted *wanted, size_t wanted_count,
		 const struct reconcile_actual *actual, size_t actual_count,
		 struct reconcile_step *steps);
