#include "gate/dns_zones.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/dns_member.h"
#include "gate/dns_message.h"
#include "gate/dns_name.h"
#include "gate/dns_names.h"
#include "gate/dns_records.h"
#include "lib/err.h"
#include "lib/str.h"
#include "wire/member_limits.h"

/* Whom a table has no room for is not told of again when there is: it has room for all. */
_Static_assert((int)DNS_ZONES_MAX >= (int)MACHINE_NETWORKS_MAX - 1, "each network but this one");
_Static_assert((int)DNS_NAMES_MAX >=
		       MACHINE_CONTAINERS_MAX * CONTAINER_NETWORKS_MAX * (MEMBER_NAMES_MAX + 1),
	       "each container on each of its networks");

struct zone {
	struct zone *next;	/* by name */
	char *network;
	struct dns_names *names;
};

struct dns_zones {
	uint32_t seed;
	struct dns_names *own;
	struct zone *neighbours;
	int count;
	int own_names, neighbour_names;	/* the tables count in these */
};

struct dns_zones *dns_zones_create(uint32_t seed)
{
	struct dns_zones *z = calloc(1, sizeof(*z));

	if (!z)
		abort();
	z->seed = seed;
	z->own = dns_names_create(seed, &z->own_names, false);
	return z;
}

/* The one of this name, or where it belongs. */
static struct zone **zone_at(struct dns_zones *z, const char *network)
{
	struct zone **at = &z->neighbours;

	while (*at && strcmp((*at)->network, network) < 0)
		at = &(*at)->next;
	return at;
}

static struct zone *zone_find(struct dns_zones *z, const char *network)
{
	struct zone *zone = *zone_at(z, network);

	return zone && str_equal(zone->network, network) ? zone : NULL;
}

static void zone_remove(struct dns_zones *z, struct zone **at)
{
	struct zone *zone = *at;

	*at = zone->next;
	z->count--;
	dns_names_destroy(zone->names);
	free(zone->network);
	free(zone);
}

void dns_zones_destroy(struct dns_zones *z)
{
	if (!z)
		return;
	while (z->neighbours)
		zone_remove(z, &z->neighbours);
	dns_names_destroy(z->own);
	free(z);
}

struct dns_names *dns_zones_own(struct dns_zones *z)
{
	return z->own;
}

int dns_zones_set_neighbour(struct dns_zones *z, const char *network, const struct subnet *subnets,
			    int subnet_count, struct err *e)
{
	struct zone **at = zone_at(z, network), *zone = zone_find(z, network);

	if (!zone && z->count == DNS_ZONES_MAX)
		return err_set(e, "a network has at most %d neighbours", DNS_ZONES_MAX);
	if (!zone) {
		zone = calloc(1, sizeof(*zone));
		if (!zone || !(zone->network = strdup(network)))
			abort();
		zone->names = dns_names_create(z->seed, &z->neighbour_names, true);
		zone->next = *at;
		*at = zone;
		z->count++;
	}
	dns_names_set_network(zone->names, network, NULL, 0, subnets, subnet_count);
	return 0;
}

void dns_zones_remove_neighbour(struct dns_zones *z, const char *network)
{
	if (zone_find(z, network))
		zone_remove(z, zone_at(z, network));
}

int dns_zones_set_peer(struct dns_zones *z, const char *network, const struct dns_member *m,
		       struct err *e)
{
	struct zone *zone = zone_find(z, network);

	if (!zone)
		return err_set(e, "network %s is no neighbour of this one", network);
	return dns_names_set_member(zone->names, m, e);
}

void dns_zones_remove_peer(struct dns_zones *z, const char *network, const char *container)
{
	struct zone *zone = zone_find(z, network);

	if (zone)
		dns_names_remove_member(zone->names, container);
}

/* The next neighbour that the asker is on; from NULL on. */
static struct zone *zone_next(const struct dns_zones *z, const char *container, struct zone *zone)
{
	if (!container)
		return NULL;
	zone = zone ? zone->next : z->neighbours;
	while (zone && !dns_names_has(zone->names, container))
		zone = zone->next;
	return zone;
}

/* RFC 6761 6.3 and 6.4: never asked outside. */
static bool answer_special(const struct dns_question *q, struct dns_reply *reply)
{
	static const struct address loopback[] = {
		{ .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
		{ .family = AF_INET6, .bytes = { [15] = 1 } },
	};
	struct dns_name localhost, invalid;

	dns_name_parse("localhost", &localhost);
	dns_name_parse("invalid", &invalid);
	if (dns_name_within(&q->name, &localhost)) {
		dns_names_give(reply, q, &loopback[0]);
		dns_names_give(reply, q, &loopback[1]);
		return true;
	}
	if (dns_name_within(&q->name, &invalid)) {
		reply->rcode = DNS_RCODE_NXDOMAIN;
		return true;
	}
	return false;
}

/* Nobody's here: nobody's at all, where only we can know. */
static bool is_nobodys(const struct dns_zones *z, const char *container,
		       const struct dns_question *q)
{
	struct zone *zone = NULL;

	if (dns_names_covers(z->own, &q->name) ||
	    (dns_name_labels(&q->name) == 1 &&
	     (q->type == DNS_TYPE_A || q->type == DNS_TYPE_AAAA)))
		return true;
	while ((zone = zone_next(z, container, zone)))
		if (dns_names_covers(zone->names, &q->name))
			return true;
	return false;
}

bool dns_zones_answer(struct dns_zones *z, const char *container, const struct dns_question *q,
		      struct dns_reply *reply)
{
	struct zone *zone = NULL;

	reply->authoritative = true;
	if (dns_names_answer(z->own, q, reply) || answer_special(q, reply))
		return true;
	while ((zone = zone_next(z, container, zone)))
		if (dns_names_answer(zone->names, q, reply))
			return true;
	if (is_nobodys(z, container, q)) {
		reply->rcode = DNS_RCODE_NXDOMAIN;
		return true;
	}
	reply->authoritative = false;
	return false;
}
