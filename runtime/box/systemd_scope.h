/* systemd_scope.h - the transient unit that a container shall live in, as a pure value: its name,
 * its slice, its properties.
 *
 * Out of linux.cgroupsPath (SLICE:PREFIX:NAME becomes PREFIX-NAME.scope in SLICE), the limits and
 * the annotations org.systemd.property.NAME. The container's own cgroup lies below the unit's,
 * since that one is systemd's: in `container`, or what the annotation run.oci.systemd.subgroup
 * says.
 *
 * Source: runtime-spec config-linux.md "Cgroups Path"; crun(1) and runc's docs/systemd.md, whose
 * words these are; systemd.slice(5), systemd.scope(5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "box/systemd_property.h"

struct arena;
struct buf;
struct cgroup_values;
struct err;
struct oci_spec;

#define SYSTEMD_PROPERTY_ANNOTATION "org.systemd.property."
#define SYSTEMD_SUBGROUP_ANNOTATION "run.oci.systemd.subgroup"

struct systemd_properties {
	struct systemd_property *items;
	size_t count;
};

struct systemd_scope {
	const char *unit;	/* "libpod-web.scope" */
	const char *subgroup;	/* one name, below the unit's cgroup */
	bool user;		/* the unit is for the user's own manager, not for the machine's */
	/* All but PIDs and Description, which are whose who makes it (scope.h). */
	struct systemd_properties properties;
};

int systemd_scope_make(struct systemd_scope *s, struct arena *a, const struct oci_spec *spec,
		       const char *id, bool user, const struct cgroup_values *limits,
		       struct err *e);

/* Limits alone, for a unit that is there. */
void systemd_scope_limits(struct systemd_properties *p, struct arena *a,
			  const struct cgroup_values *limits);

void systemd_scope_print(const struct systemd_scope *s, struct buf *out);
