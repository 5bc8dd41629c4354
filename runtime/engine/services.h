/* services.h - all services of the compose file, and who of them waits for whom. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct compose_service;
struct container;
struct service;

struct services {
	struct service *items;
	size_t count, max;
};

void services_init(struct services *all, size_t max, struct arena *arena);
/* The service that the next container belongs to; containers of one come in a row. */
struct service *services_join(struct services *all, const struct compose_service *compose,
			      struct container *c, struct arena *arena);
struct service *services_find(const struct services *all, const char *name);

/* One look at each of them; alone: nobody waits for anybody. True: look again in a while. */
bool services_roll(struct services *all, bool alone);
