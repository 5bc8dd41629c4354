/* network.c - see network.h. */
#include "engine/network.h"

#include <stdlib.h>
#include <sys/random.h>

#include "compose/compose.h"
#include "engine/address_plan.h"
#include "engine/document.h"
#include "engine/routes.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

enum { TAKEN_MAX = ROUTES_MAX + 2 * NETWORKS_MAX };

struct loading {
	struct networks *networks;
	int documents_fd;
	struct network_document known[NETWORKS_MAX];
	size_t known_count;
	struct subnet taken[TAKEN_MAX];		/* the machine's, and those of networks before */
	size_t taken_count, machine_count;
	struct arena *arena;
};

static const struct network_document *find_known(const struct loading *l, const char *name)
{
	for (size_t i = 0; i < l->known_count; i++)
		if (str_equal(l->known[i].name, name))
			return &l->known[i];
	return NULL;
}

/* NULL = none of them. */
static const struct subnet *find_overlap(const struct subnet *s, const struct subnet *all,
					 size_t count)
{
	for (size_t i = 0; i < count && s->address.family; i++)
		if (subnet_overlaps(s, &all[i]))
			return &all[i];
	return NULL;
}

static bool is_free(const struct loading *l, const struct subnet *s)
{
	return !find_overlap(s, l->taken, l->taken_count);
}

static void take(struct loading *l, const struct subnet *s)
{
	if (s->address.family && l->taken_count < TAKEN_MAX)
		l->taken[l->taken_count++] = *s;
}

/* Only the machine's own can be in the way: those of one file were compared when it was read. */
static void check_given(const struct loading *l, struct network *n, const struct subnet *s)
{
	const struct subnet *found = find_overlap(s, l->taken, l->machine_count);
	char ours[SUBNET_TEXT_MAX], own[SUBNET_TEXT_MAX];

	if (found && !n->error)
		n->error = arena_format(l->arena,
					"its subnet %s overlaps %s, which the machine itself uses: "
					"choose another one in the compose file",
					subnet_print(s, ours), subnet_print(found, own));
}

static void choose4(struct loading *l, struct network *n, const struct network_document *known)
{
	if (known && known->subnet4.address.family && is_free(l, &known->subnet4)) {
		n->doc.subnet4 = known->subnet4;
		return;
	}
	if (known && known->subnet4.address.family)
		log_warn("network=%s gets another subnet: its own is used by somebody else",
			 n->doc.name);
	if (!address_plan_subnet4(l->taken, l->taken_count, &n->doc.subnet4))
		n->error = "no subnet is free: give it one under ipam: in the compose file";
}

static void choose6(struct loading *l, struct network *n, const struct network_document *known)
{
	uint8_t id[5];

	if (!n->compose->ipv6)
		return;
	if (known && known->subnet6.address.family && is_free(l, &known->subnet6)) {
		n->doc.subnet6 = known->subnet6;
		return;
	}
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		abort();	/* the kernel has its random numbers before the engine starts */
	n->doc.subnet6 = address_plan_subnet6(id);
}

static struct address gateway_of(const struct address *given, const struct subnet *s)
{
	return given->family || !s->address.family ? *given : subnet_first_host(s);
}

static void finish(struct network *n)
{
	const struct compose_network *c = n->compose;

	n->range4 = c->range4.address.family ? c->range4 : n->doc.subnet4;
	n->range6 = c->range6.address.family ? c->range6 : n->doc.subnet6;
	n->gateway4 = gateway_of(&c->gateway4, &n->doc.subnet4);
	n->gateway6 = gateway_of(&c->gateway6, &n->doc.subnet6);
}

static bool is_same(const struct network_document *a, const struct network_document *b)
{
	return subnet_equal(&a->subnet4, &b->subnet4) && subnet_equal(&a->subnet6, &b->subnet6);
}

static void save(const struct loading *l, const struct network *n)
{
	const struct network_document *known = find_known(l, n->doc.name);
	struct err e;

	if (l->documents_fd < 0 || n->error || (known && is_same(known, &n->doc)))
		return;
	if (network_document_write(l->documents_fd, &n->doc, &e) < 0)
		log_warn("network=%s: %s", n->doc.name, e.text);
}

static void prune(const struct loading *l)
{
	struct err e;

	for (size_t i = 0; i < l->known_count; i++)
		if (!networks_find_named(l->networks, l->known[i].name) &&
		    document_remove(l->documents_fd, l->known[i].name, &e) < 0)
			log_warn("network=%s: %s", l->known[i].name, e.text);
}

static void add_all(struct loading *l, const struct compose_project *project)
{
	for (size_t i = 0; i < project->network_count; i++) {
		struct network *n = &l->networks->items[l->networks->count];
		const struct compose_network *c = &project->networks[i];

		if (c->driver != COMPOSE_DRIVER_BRIDGE || l->networks->count == NETWORKS_MAX)
			continue;
		n->compose = c;
		str_copy(n->doc.name, sizeof(n->doc.name), c->name);
		n->doc.subnet4 = c->subnet4;
		n->doc.subnet6 = c->subnet6;
		l->networks->count++;
	}
}

/* First what was said, then what was remembered, then what is free: nobody takes another's. */
static void choose_all(struct loading *l)
{
	struct networks *all = l->networks;

	for (size_t i = 0; i < all->count; i++) {
		check_given(l, &all->items[i], &all->items[i].doc.subnet4);
		check_given(l, &all->items[i], &all->items[i].doc.subnet6);
	}
	for (size_t i = 0; i < all->count; i++) {
		take(l, &all->items[i].doc.subnet4);
		take(l, &all->items[i].doc.subnet6);
	}
	for (int remembered = 1; remembered >= 0; remembered--) {
		for (size_t i = 0; i < all->count; i++) {
			struct network *n = &all->items[i];
			const struct network_document *known = find_known(l, n->doc.name);

			if (n->error || (known != NULL) != remembered)
				continue;
			if (!n->doc.subnet4.address.family) {
				choose4(l, n, known);
				take(l, &n->doc.subnet4);
			}
			if (!n->doc.subnet6.address.family)
				choose6(l, n, known);
		}
	}
}

void networks_load(struct networks *networks, const struct compose_project *project,
		   int documents_fd, const struct subnet *machine, size_t machine_count,
		   bool prunes, struct arena *arena)
{
	struct loading *l = arena_alloc(arena, sizeof(*l));

	*l = (struct loading){
		.networks = networks, .documents_fd = documents_fd, .arena = arena
	};
	networks->items = arena_array(arena, NETWORKS_MAX, sizeof(*networks->items));
	networks->count = 0;
	for (size_t i = 0; i < machine_count; i++)
		take(l, &machine[i]);
	l->machine_count = l->taken_count;
	if (documents_fd >= 0)
		l->known_count = network_document_read_all(documents_fd, l->known, NETWORKS_MAX);
	add_all(l, project);
	choose_all(l);
	for (size_t i = 0; i < networks->count; i++) {
		finish(&networks->items[i]);
		save(l, &networks->items[i]);
	}
	if (prunes && documents_fd >= 0)
		prune(l);
}

bool network_overlaps(struct network *n, const struct subnet *machine, size_t machine_count,
		      char ours[SUBNET_TEXT_MAX], char own[SUBNET_TEXT_MAX])
{
	const struct subnet *s = &n->doc.subnet4, *found = find_overlap(s, machine, machine_count);

	if (!found) {
		s = &n->doc.subnet6;
		found = find_overlap(s, machine, machine_count);
	}
	if (!found || n->error || n->overlap_is_said)
		return false;
	subnet_print(s, ours);
	subnet_print(found, own);
	n->overlap_is_said = true;
	return true;
}

struct network *networks_find(const struct networks *networks, const char *key)
{
	for (size_t i = 0; i < networks->count; i++)
		if (str_equal(networks->items[i].compose->key, key))
			return &networks->items[i];
	return NULL;
}

struct network *networks_find_named(const struct networks *networks, const char *name)
{
	for (size_t i = 0; i < networks->count; i++)
		if (str_equal(networks->items[i].doc.name, name))
			return &networks->items[i];
	return NULL;
}

void networks_forget(struct networks *networks)
{
	for (size_t i = 0; i < networks->count; i++)
		networks->items[i].declared = false;
}
