/* dns_zones.h - the names of this network and of its neighbours, the networks that some of its
 * containers are on too; and who may ask for which. Pure.
 *
 * The own network's names answer everybody. A neighbour's answer only a container that is a member
 * there as well (has the same key in both), after the own ones, and neighbours in the order of
 * their names, as in Docker. For all others a neighbour is not there: its names, addresses and
 * ports are treated like any of outside. Its addresses are those in the shared network, so the
 * asker reaches them. What `gateway` means is the own network's alone.
 *
 * Owns the tables. Bounded: DNS_ZONES_MAX neighbours, DNS_NAMES_MAX names of the own network and as
 * many of all neighbours together. A name without a dot is never anybody's outside (RFC 1034 3.1
 * lets us say so: it would leak what is asked here). RFC 6761. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct dns_member;
struct dns_names;
struct dns_question;
struct dns_reply;
struct dns_zones;
struct err;
struct subnet;

enum { DNS_ZONES_MAX = 255 };	/* all other networks that a machine has */

struct dns_zones *dns_zones_create(uint32_t seed);
void dns_zones_destroy(struct dns_zones *z); /* NULL is fine */

struct dns_names *dns_zones_own(struct dns_zones *z);

/* New, or its subnets anew. */
int dns_zones_set_neighbour(struct dns_zones *z, const char *network, const struct subnet *subnets,
			    int subnet_count, struct err *e);
void dns_zones_remove_neighbour(struct dns_zones *z, const char *network);
/* A member of a neighbour that is there. */
int dns_zones_set_peer(struct dns_zones *z, const char *network, const struct dns_member *m,
		       struct err *e);
void dns_zones_remove_peer(struct dns_zones *z, const char *network, const char *container);

/* container: who asks, its key; NULL = nobody's. True: it is answered here, reply (initialized)
 * says what there is. False: ask outside. */
bool dns_zones_answer(struct dns_zones *z, const char *container, const struct dns_question *q,
		      struct dns_reply *reply);
