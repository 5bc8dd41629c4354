/* cgroup_values.h - a specification's limits as the files of cgroup v2 and their texts: pure.
 *
 * Values of cgroup v1, which the specification speaks, are converted as the OCI runtimes do; what
 * v2 cannot express is refused with its JSON path. Texts live in the caller's arena or are the
 * specification's own. Source: runtime-spec config-linux.md "Control groups"; the kernel's
 * admin-guide/cgroup-v2.rst. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct oci_resources;

/* Controllers, in the order of cgroup_controller_name. */
enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_IO,
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_HUGETLB,
	CGROUP_RDMA,
	CGROUP_MISC,
	CGROUP_OTHER		/* any that is newer than this list */
};

struct cgroup_value {
	const char *file;
	const char *text;	/* each of its lines is one write(2) */
	/* Where the kernel has no such file: this one, or nothing when `optional`. */
	const char *other_file, *other_text;
	bool optional;
	/* Refused with EINVAL next to the old value of a later file: written again after the rest.
	 */
	bool again;
};

struct cgroup_values {
	struct cgroup_value *items;	/* in the order of writing */
	size_t count;
	unsigned controllers;		/* a bit 1 << CGROUP_* for each that must be there */
	/* checkBeforeUpdate: limits that must not be below what is in use; 0 = no check. */
	uint64_t check_memory_bytes, check_memory_swap_bytes;
};

/* Only what the specification gives, in the order of writing. */
int cgroup_values_make(struct cgroup_values *values, struct arena *a,
		       const struct oci_resources *r, struct err *e);

/* cpu.shares of v1 (2 .. 262144, normal 1024) as cpu.weight (1 .. 10000, normal 100). */
unsigned cgroup_weight(uint64_t shares);

const char *cgroup_controller_name(unsigned controller);	/* "cpu", as the kernel writes it */
/* Bits of a list like the file cgroup.controllers; unknown names are passed over. */
unsigned cgroup_controllers_parse(const char *text);
