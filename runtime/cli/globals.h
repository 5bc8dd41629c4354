/* globals.h - the options in front of the verb: those of crun and runc.
 *
 * What makes no difference to us is taken and passed over; what would make box say something untrue
 * is refused with a sentence. */
#pragma once

#include <stdbool.h>

struct arena;
struct buf;
struct err;

struct globals {
	const char *root;	/* NULL: container_root_default */
	const char *log;	/* a path, NULL: standard error alone */
	bool log_json;
	bool no_cgroup;		/* --cgroup-manager=disabled */
	bool systemd;		/* --cgroup-manager=systemd, --systemd-cgroup */
	bool help, version;
};

/* Returns the index in argv (without the program's name) of the verb; -1 on an error. Then g->log
 * and g->log_json hold what was understood until there, so that the error still finds its place. */
int globals_parse(struct globals *g, struct arena *a, char **argv, struct err *e);
void globals_print(struct buf *out);
