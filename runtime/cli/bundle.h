/* bundle.h - a bundle's folder, its config.json, and the plan that follows from it. Changes
 * nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "box/plan.h"

struct arena;
struct err;
struct globals;

struct bundle {
	const char *path;	/* absolute */
	const char *rootfs;	/* absolute */
	int fd;			/* the folder, O_PATH */
	char *text;		/* config.json as it stands there */
	size_t text_bytes;
	struct oci_spec *spec;
};

/* path NULL: the working directory. config NULL: config.json of the bundle; else a file by its own
 * name. */
int bundle_open(struct bundle *b, const char *path, const char *config, struct arena *a,
		struct err *e);
void bundle_close(struct bundle *b);

/* always_nodev: device nodes are held back by nodev, since no filter of the kernel does it. */
int bundle_plan(const struct bundle *b, const char *id, const struct globals *globals,
		bool always_nodev, struct box_plan *plan, struct arena *a, struct err *e);
