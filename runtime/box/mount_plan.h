/* mount_plan.h - what will be mounted in a container, in which order: a pure value.
 *
 * Made from the specification and the volumes, printed for tests and for people. What needs the
 * machine's root or its files is opened by mount_source.c before the container's first process
 * exists; the rest is carried out by mount_do.c inside the container's namespaces.
 *
 * always_nodev: every mount but devpts is nodev and device nodes are bind-mounted one by one, so a
 * node in an image layer or a volume opens nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "box/mount_options.h"

struct arena;
struct buf;
struct err;
struct oci_device;
struct oci_id_maps;
struct oci_spec;

enum { BOX_VOLUMES_MAX = 32 };

/* A volume as engined names it; where it lies is volume.c's business. */
struct box_volume {
	const char *name, *driver, *target;
	bool read_only;
};

enum mount_op {
	MOUNT_NEW,    /* a new instance of fstype */
	MOUNT_BIND,   /* sources.fds[source]: a file or folder of the machine */
	MOUNT_VOLUME, /* sources.fds[source]: volumes[volume] of the service */
	MOUNT_SYS,    /* sources.fds[source]: the machine's /sys, since the network namespace is not
		       * the container's; where fstype is set, a new one is tried first */
	MOUNT_CGROUP, /* sources.fds[source]: the container's own cgroup, for it has no cgroup
		       * namespace */
	MOUNT_DEVICES,	 /* the default nodes and links of devices.h below target */
	MOUNT_NODE,	 /* one device node of the specification */
	MOUNT_CONSOLE,	 /* the file that the terminal covers later, console.h */
	MOUNT_MASK,	 /* hide target, when it exists */
	MOUNT_READ_ONLY, /* make the tree at target read-only, when it exists */
	MOUNT_SET,	 /* options.set on the mount that target is the root of */
	MOUNT_ROOT_READ_ONLY,
	MOUNT_OPS
};

#define MOUNT_NO_SOURCE SIZE_MAX

struct mount_step {
	enum mount_op op;
	const char *target;
	const char *fstype;
	const char *from;	/* as the specification has it: source, or the volume's name */
	struct mount_options options;
	const struct oci_id_maps *uid_maps, *gid_maps;	/* idmap: NULL = the container's */
	size_t source;		/* index into mount_sources.fds, or MOUNT_NO_SOURCE */
	size_t volume;
	const struct oci_device *node;
	uint32_t node_uid, node_gid;	/* its owner outside of the user namespace */
	bool made_outside;	/* the node: in mount_sources.nodes_fd, by index, if it can be */
	bool nofollow; /* no link on the way to target is followed: the kernel's own files */
	bool over_proc;		/* may lie on a procfs: one of the few files that tools replace */
	bool read_only_last;	/* by a MOUNT_SET at the end */
	bool fresh; /* below a file system that this plan has made and nobody else sees */
	size_t index;		/* in .mounts, or in .linux.devices */
};

struct mount_plan {
	struct mount_step *steps;
	size_t count;
	size_t source_count;	/* length of mount_sources.fds */
	const char *root_path;	/* the bundle's root folder; NULL: the caller has the root */
	unsigned long root_propagation;	/* MS_PRIVATE, ... with MS_REC; never 0 */
	bool user_ns;		/* the container has a user namespace of its own or joins one */
	bool makes_nodes;	/* some node is made outside, with its owner and mode */
	bool bind_nodes;	/* device nodes are bind-mounted, not made */
};

/* What a plan is made of. */
struct mount_plan_input {
	const struct oci_spec *spec;
	const struct box_volume *volumes;
	size_t volume_count;
	unsigned cpu_count;	/* the per-CPU files that the service hides with the masked paths */
	bool always_nodev;
	bool service;		/* folders come in as volumes alone, nothing covers /proc or /sys */
};

int mount_plan_make(struct mount_plan *plan, struct arena *a, const struct mount_plan_input *in,
		    struct err *e);

/* One line per step: `new /proc proc nosuid,nodev,noexec`. */
void mount_plan_print(const struct mount_plan *plan, struct buf *out);
