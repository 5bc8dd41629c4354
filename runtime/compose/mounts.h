/* mounts.h - what a compose file puts into a service's file system: volumes and memory. Public
 * structs, read by service_mounts.c. */
#pragma once

#include <stdbool.h>

struct compose_mount {			/* a named volume inside a service */
	const char *volume;
	const char *target;		/* absolute and clean */
	bool read_only;
};

struct compose_tmpfs {
	const char *target;
	const char *options;		/* "size=64m,mode=1777" or NULL */
};
