/* net_neighbour.h - networks that have containers in common.
 *
 * A container asks one gateway for names, that of the network of its way out, and means all
 * networks that it is on. So the gateways of both networks are told who is on the other one as long
 * as there is such a container, and each change of it; whom they answer is theirs
 * (gate/dns_zones.h).
 *
 * Containers are the same when their names are. Owns the pairs; each stands in both networks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct net_member;
struct net_network;

struct net_neighbour {
	struct net_neighbour *next;
	struct net_network *other;
	size_t shared;	/* so many containers, at least one */
};

/* It is in the network's list; is_new: it was not before. */
void net_neighbours_join(struct net_network *w, const struct net_member *m, bool is_new);
void net_neighbours_leave(struct net_network *w, const struct net_member *m);
/* All of them, to the network's gateway, which knows nothing. */
void net_neighbours_tell(struct net_network *w);
/* The network goes: the others' gateways forget it. */
void net_neighbours_part(struct net_network *w);
