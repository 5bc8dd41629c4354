/* place.c - see place.h. */
#include "engine/place.h"

#include <stdio.h>

#include "compose/compose.h"
#include "lib/err.h"
#include "lib/str.h"

struct finding {
	const struct compose_service *service;
	struct place *places;
	size_t count, max;
};

static int add(struct finding *f, const char *name, unsigned number, bool closed, struct err *e)
{
	struct place *p = &f->places[f->count];

	if (f->count == f->max)
		return err_set(e, "service %s: there are more than %zu containers in all",
			       f->service->name, f->max);
	if (!str_copy(p->name, sizeof(p->name), name))
		return err_set(e, "service %s: its name is too long for numbers behind it",
			       f->service->name);
	p->number = number;
	p->closed = closed;
	f->count++;
	return 0;
}

static int add_numbers(struct finding *f, struct err *e)
{
	const struct compose_replicas *r = &f->service->replicas;
	char name[2 * DOCUMENT_NAME_BYTES];

	if (!r->is_given)
		return add(f, f->service->name, 0, false, e);
	for (unsigned i = 1; i <= r->count + r->start_first; i++) {
		snprintf(name, sizeof(name), "%.64s-%u", f->service->name, i);
		if (add(f, name, i, false, e) < 0)
			return -1;
	}
	return 0;
}

static bool has(const struct finding *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (str_equal(f->places[i].name, name))
			return true;
	return false;
}

int places_find(const struct compose_service *service, const struct document *documents,
		size_t document_count, struct place *places, size_t max, struct err *e)
{
	struct finding f = { .service = service, .places = places, .max = max };

	if (add_numbers(&f, e) < 0)
		return -1;
	for (size_t i = 0; i < document_count; i++)
		if (str_equal(documents[i].service, service->name) &&
		    !has(&f, documents[i].name) && add(&f, documents[i].name, 0, true, e) < 0)
			return -1;
	return (int)f.count;
}
