/* attachment.c - see attachment.h. */
#include "engine/attachment.h"

#include "compose/compose.h"
#include "engine/address_plan.h"
#include "engine/document.h"
#include "engine/network.h"
#include "lib/arena.h"
#include "lib/str.h"

struct choosing {
	struct attachments *all;
	size_t count;
	const struct network *network;		/* whose addresses is_taken knows */
};

static bool is_taken(void *ctx, const struct address *a)
{
	const struct choosing *c = ctx;

	if (address_equal(a, &c->network->gateway4) || address_equal(a, &c->network->gateway6))
		return true;
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->all[i].count; k++) {
			const struct attachment *other = &c->all[i].items[k];

			if (other->network == c->network &&
			    (address_equal(a, &other->address4) ||
			     address_equal(a, &other->address6)))
				return true;
		}
	return false;
}

static void begin(struct attachments *a, const struct compose_service *s, const char *name,
		  const struct networks *networks, struct arena *arena)
{
	const struct compose_service_network *n = &s->network;

	*a = (struct attachments){ .service = s, .name = name };
	if (n->attachment_count > ATTACHMENTS_MAX)
		a->error = arena_format(arena, "it is on more than %d networks", ATTACHMENTS_MAX);
	for (size_t i = 0; i < n->attachment_count && i < ATTACHMENTS_MAX; i++) {
		struct network *network = networks_find(networks, n->attachments[i].network);

		if (!network) {
			a->error = "there are more networks than the engine can have";
			continue;
		}
		a->items[a->count++] = (struct attachment){
			.network = network,
			.wanted = &n->attachments[i],
			.address4 = n->attachments[i].address4,
			.address6 = n->attachments[i].address6,
		};
	}
}

/* The first and the last address of a range are somebody's, too (address_plan_next). */
static void remember_one(struct choosing *c, struct address *target, const struct subnet *subnet,
			 const struct subnet *range, const struct address *known)
{
	if (!target->family && known->family && subnet_is_host(subnet, known) &&
	    subnet_contains(range, known) && !is_taken(c, known))
		*target = *known;
}

static void remember(struct choosing *c, struct attachment *a, const struct document *doc)
{
	const struct network *n = a->network;

	c->network = n;
	for (size_t i = 0; i < doc->address_count; i++) {
		const struct document_address *known = &doc->addresses[i];

		if (!str_equal(known->network, n->doc.name))
			continue;
		remember_one(c, &a->address4, &n->doc.subnet4, &n->range4, &known->address4);
		remember_one(c, &a->address6, &n->doc.subnet6, &n->range6, &known->address6);
	}
}

/* Not in place: its own try would count as taken. */
static bool choose_one(struct choosing *c, const struct subnet *subnet, const struct subnet *range,
		       struct address *target)
{
	struct address found;

	if (target->family || !subnet->address.family)
		return true;
	if (!address_plan_next(subnet, range, is_taken, c, &found))
		return false;
	*target = found;
	return true;
}

static void choose(struct choosing *c, struct attachment *a)
{
	const struct network *n = a->network;

	c->network = n;
	if (n->error) {
		a->error = n->error;
		return;
	}
	if (!choose_one(c, &n->doc.subnet4, &n->range4, &a->address4) ||
	    !choose_one(c, &n->doc.subnet6, &n->range6, &a->address6))
		a->error = "no address is free in it: give it a larger subnet";
}

/* Docker's order: the highest gw_priority, and among equals the first; no internal one. */
static void choose_default(struct attachments *a)
{
	struct attachment *best = NULL;

	for (size_t i = 0; i < a->count; i++) {
		struct attachment *at = &a->items[i];

		if (!at->network->compose->internal &&
		    (!best || at->wanted->gateway_priority > best->wanted->gateway_priority))
			best = at;
	}
	if (best)
		best->is_default = true;
}

void attachments_choose(struct attachments *all, const struct compose_service *const *services,
			const struct document *const *documents, size_t count,
			const struct networks *networks, struct arena *arena)
{
	struct choosing c = { .all = all, .count = count };

	for (size_t i = 0; i < count; i++)
		begin(&all[i], services[i], documents[i]->name, networks, arena);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < all[i].count; k++)
			remember(&c, &all[i].items[k], documents[i]);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < all[i].count; k++) {
			struct attachment *a = &all[i].items[k];

			choose(&c, a);
			if (a->error && !all[i].error)
				all[i].error = arena_format(arena, "network %s: %s",
							    a->network->doc.name, a->error);
		}
		choose_default(&all[i]);
	}
}

const struct attachment *attachments_default(const struct attachments *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].is_default)
			return &a->items[i];
	return a->count ? &a->items[0] : NULL;
}

const char *attachments_network(const struct attachments *a)
{
	return attachments_default(a)->network->doc.name;
}

const struct attachment *attachments_on(const struct attachments *a, const char *network)
{
	for (size_t i = 0; i < a->count; i++)
		if (str_equal(a->items[i].network->doc.name, network))
			return &a->items[i];
	return NULL;
}
