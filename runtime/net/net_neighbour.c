/* net_neighbour.c - see net_neighbour.h */
#include "net/net_neighbour.h"

#include <stdlib.h>

#include "net/net_network.h"
#include "net/net_told.h"
#include "net/nets.h"

static struct net_neighbour *find(const struct net_network *w, const struct net_network *other)
{
	struct net_neighbour *n = w->neighbours;

	while (n && n->other != other)
		n = n->next;
	return n;
}

static void tell_all(struct net_network *w, const struct net_network *other)
{
	net_tell_neighbour(w, other);
	for (const struct net_member *m = other->members; m; m = m->next)
		net_tell_peer(w, other, m);
}

/* One side of the pair. */
static void share(struct net_network *w, struct net_network *other)
{
	struct net_neighbour *n = find(w, other);

	if (!n) {
		n = malloc(sizeof(*n));
		if (!n)
			abort();
		*n = (struct net_neighbour){ .next = w->neighbours, .other = other };
		w->neighbours = n;
		tell_all(w, other);
	}
	n->shared++;
}

static void forget(struct net_network *w, struct net_network *other)
{
	struct net_neighbour **at = &w->neighbours, *n = find(w, other);

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	free(n);
	net_tell_neighbour_gone(w, other);
}

void net_neighbours_join(struct net_network *w, const struct net_member *m, bool is_new)
{
	for (struct net_neighbour *n = w->neighbours; n; n = n->next)
		net_tell_peer(n->other, w, m);
	for (struct net_network *o = w->nets->first; is_new && o; o = o->next)
		if (o != w && net_member_find(o, m->name)) {
			share(w, o);
			share(o, w);
		}
}

void net_neighbours_leave(struct net_network *w, const struct net_member *m)
{
	struct net_neighbour *next;

	for (struct net_neighbour *n = w->neighbours; n; n = next) {
		struct net_network *o = n->other;

		next = n->next;
		net_tell_peer_leave(o, w, m);
		if (!net_member_find(o, m->name))
			continue;
		find(o, w)->shared--;
		if (--n->shared == 0) {
			forget(w, o);
			forget(o, w);
		}
	}
}

void net_neighbours_tell(struct net_network *w)
{
	for (const struct net_neighbour *n = w->neighbours; n; n = n->next)
		tell_all(w, n->other);
}

void net_neighbours_part(struct net_network *w)
{
	while (w->neighbours) {
		struct net_network *o = w->neighbours->other;

		forget(w, o);
		forget(o, w);
	}
}
