/* mount_plan.h - what will be mounted in a container, in which order: a pure value.
 *
 * Made from the specification and the volumes, printed for tests and for people, carried out by
 * mount_do.c inside the container's namespaces. Every mount is nodev: device nodes are bind-mounted
 * one by one (devices.h), so a node in an image layer or a volume opens nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;
struct oci_spec;

enum {
	BOX_VOLUMES_MAX = 32,
	MOUNT_DATA_MAX = 16,		/* options of one file system */
};

/* A volume as engined names it; where it lies is volume.c's business. */
struct box_volume {
	const char *name, *driver, *target;
	bool read_only;
};

enum mount_op {
	MOUNT_NEW,	     /* a new instance of fstype */
	MOUNT_APPLIANCE_SYS, /* the appliance's /sys, since the network namespace is
			      * the appliance's */
	MOUNT_VOLUME,	     /* volumes[volume] */
	MOUNT_DEVICES,	     /* nodes and links of devices.h below target */
	MOUNT_MASK,	     /* hide target, when it exists */
	MOUNT_READ_ONLY,     /* make the tree at target read-only, when it exists */
	MOUNT_ROOT_READ_ONLY,
	MOUNT_OPS
};

struct mount_step {
	enum mount_op op;
	const char *target;
	const char *fstype;
	const char *source;
	uint64_t attrs;			/* MOUNT_ATTR_* */
	const char *data[MOUNT_DATA_MAX + 1];	/* "size=64m", NULL-terminated */
	size_t volume;
};

struct mount_plan {
	struct mount_step *steps;
	size_t count;
};

/* cpu_count: for the per-CPU files that are hidden with the rest of the masked paths. */
int mount_plan_make(struct mount_plan *plan, struct arena *a, const struct oci_spec *spec,
		    const struct box_volume *volumes, size_t volume_count, unsigned cpu_count,
		    struct err *e);

/* One line per step: `new /proc proc nosuid,nodev,noexec`. */
void mount_plan_print(const struct mount_plan *plan, struct buf *out);
