/* route_words.h - the requests that a router and its members are made of, as rtnetlink(7) has them:
 * routes, addresses, permanent neighbours. Pure: writes into a batch. */
#pragma once

#include <stdint.h>

#include "lib/address.h"

struct rtnetlink_batch;

struct route_words {
	struct subnet to;	    /* prefix 0 = the default route */
	const struct address *via;  /* NULL = on the link */
	const struct address *from; /* preferred source; NULL = the kernel's choice */
	unsigned index;		    /* device; 0 = none */
	uint8_t type;		    /* RTN_*; 0 = unicast */
	uint32_t table;		    /* 0 = main */
	/* TCP's way of going slowly on it, for who has not chosen one ("reno"); NULL = the
	 * namespace's (ip-route(8): congctl). One that the kernel lacks makes it refuse the route.
	 */
	const char *congestion;
};

/* In place of one that is there. */
void route_words_add(struct rtnetlink_batch *b, const char *what, const struct route_words *w);
/* Without a route of its own and without a search for duplicates. */
void route_words_address(struct rtnetlink_batch *b, const char *what, unsigned index,
			 const struct address *a, uint8_t prefix);
void route_words_neighbour(struct rtnetlink_batch *b, const char *what, unsigned index,
			   const struct address *a, const unsigned char mac[6]);
