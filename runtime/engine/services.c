/* services.c - see services.h. */
#include "engine/services.h"

#include "compose/compose.h"
#include "engine/service.h"
#include "lib/arena.h"
#include "lib/str.h"

void services_init(struct services *all, size_t max, struct arena *arena)
{
	*all = (struct services){ .max = max };
	all->items = arena_array(arena, max + 1, sizeof(*all->items));
}

struct service *services_find(const struct services *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_equal(all->items[i].compose->name, name))
			return &all->items[i];
	return NULL;
}

struct service *services_join(struct services *all, const struct compose_service *compose,
			      struct container *c, struct arena *arena)
{
	struct service *s = services_find(all, compose->name);

	if (!s) {
		s = &all->items[all->count++];
		service_init(s, compose, arena);
		s->containers = c;
	}
	s->count++;
	return s;
}

static bool is_blocked(const struct services *all, const struct compose_service *s)
{
	for (size_t i = 0; i < s->depend_count; i++) {
		const struct service *other = services_find(all, s->depends[i].service);

		if (other && !service_meets(other, s->depends[i].condition))
			return true;
	}
	return false;
}

bool services_roll(struct services *all, bool alone)
{
	bool again = false;

	for (size_t i = 0; i < all->count; i++) {
		struct service *s = &all->items[i];

		s->is_blocked = !alone && is_blocked(all, s->compose);
		again = service_roll(s) || again;
	}
	return again;
}
