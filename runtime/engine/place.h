/* place.h - where a service's containers live: a name, a range of ids, an address each. Pure.
 *
 * A service without replicas has one place of its own name. One with N has SERVICE-1 to SERVICE-N,
 * and one more for a successor that starts before its predecessor goes. What the documents know of
 * the service beyond that is a closed place: its container may end there, and nothing starts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/document.h"

struct compose_service;
struct err;

struct place {
	char name[DOCUMENT_NAME_BYTES];	/* the container's */
	unsigned number;		/* 0 = the service's own name */
	bool closed;
};

/* How many; -1: more than max, or a name that is too long. */
int places_find(const struct compose_service *service, const struct document *documents,
		size_t document_count, struct place *places, size_t max, struct err *e);
