/* cgroup_values.h - a specification's limits as the files of cgroup v2 and their texts: pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct oci_resources;

enum { CGROUP_VALUES_MAX = 12, CGROUP_NUMBER_MAX = 48 };

struct cgroup_value {
	const char *file;
	char number[CGROUP_NUMBER_MAX];
	const char *list;		/* the specification's own text, or NULL: number counts */
};

struct cgroup_values {
	struct cgroup_value items[CGROUP_VALUES_MAX];
	size_t count;
};

const char *cgroup_value_text(const struct cgroup_value *v);

/* Only what the specification gives; a memory limit also turns swap off unless it asks for some. */
void cgroup_values_make(struct cgroup_values *values, const struct oci_resources *r);

/* cpu.shares of v1 (2 .. 262144, normal 1024) as cpu.weight (1 .. 10000, normal 100). */
unsigned cgroup_weight(uint64_t shares);
