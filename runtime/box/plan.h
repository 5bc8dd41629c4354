/* plan.h - everything that will be done for one container, as a pure value: parse -> plan -> do.
 *
 * box_plan_make checks what the specification alone cannot know (which sysctls are namespaced, that
 * limits have a cgroup to live in); box_plan_check_service adds what the service demands of
 * engined, so that an engined gone mad can start odd containers but none outside a user namespace
 * of its own range. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "box/cgroup_values.h"
#include "box/mount_plan.h"
#include "box/systemd_scope.h"

struct arena;
struct buf;
struct err;
struct oci_spec;

enum {
	BOX_ID_BASE = 1048576,		/* the first range; every range has BOX_ID_RANGE ids */
	BOX_ID_RANGE = 65536,
};

/* What differs between the two doors. All false is the command line: exactly the specification. */
struct box_policy {
	bool always_nodev;		/* every mount; device nodes are bind-mounted one by one */
	bool no_nested_userns;		/* no user namespaces inside the container's own */
	bool service;			/* box_plan_check_service applies */
	bool systemd;			/* the cgroup is a unit of systemd's ... */
	bool systemd_user;		/* ... of the user's own */
};

struct box_plan {
	const char *name;		/* the container's id */
	const char *image;		/* the service's; NULL = the bundle's root */
	const char *bundle;		/* absolute path, as hooks are told; NULL for the service */
	struct box_policy policy;
	const struct oci_spec *spec;
	unsigned sysctl_namespaces; /* a bit 1 << OCI_NS_* where .linux.sysctl changes something */
	uint64_t clone_flags;		/* CLONE_NEW* */
	uint64_t late_flags;		/* CLONE_NEW* that inner makes, once it has its ids */
	struct cgroup_values cgroup;
	struct systemd_scope scope;	/* unit NULL = the cgroup is made by hand */
	struct mount_plan mounts;
	const struct box_volume *volumes;
	size_t volume_count;
	bool shares_network; /* the service has set the path of another box's network namespace */
	uint64_t log_bytes;		/* bound of the log file; 0 = BOX_LOG_BYTES */
};

enum { BOX_LOG_BYTES = 10 << 20 };

/* name, image, bundle, policy, spec, volumes and log_bytes are set by the caller. */
int box_plan_make(struct box_plan *plan, struct arena *a, unsigned cpu_count, struct err *e);
int box_plan_check_service(const struct box_plan *plan, struct err *e);

/* As text, one fact per line: for tests and for people. */
void box_plan_print(const struct box_plan *plan, struct buf *out);
