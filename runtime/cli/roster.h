/* roster.h - the ids of all containers below ROOT, sorted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct roster {
	const char **ids;	/* in the arena, NULL-terminated */
	size_t count;
};

int roster_read(struct roster *r, int root_fd, struct arena *a, struct err *e);

/* Only those that the extended regular expression finds (regex(7)). */
int roster_select(struct roster *r, const char *expression, struct err *e);

/* The first container but `id` that has this cgroup on record, in the arena; NULL = none. */
const char *roster_cgroup_owner(int root_fd, const char *cgroup, const char *id, struct arena *a);
