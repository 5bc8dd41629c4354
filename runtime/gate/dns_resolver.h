/* dns_resolver.h - which resolvers live: what is remembered of each one that was asked. Pure.
 *
 * Bounded: DNS_RESOLVER_TABLE of them; the one that was not asked for the longest is forgotten. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/address.h"

enum {
	DNS_RESOLVER_TABLE = 64,
	DNS_RESOLVER_DEAD_MS = 30000,	/* so long after it did not answer its check */
	DNS_RESOLVER_GONE_MS = 5000,	/* after an ICMP error */
	DNS_RESOLVER_CHECK_MS = 2000,	/* from one check to the next */
	DNS_RESOLVER_PLAIN_MS = 60000,	/* until who does not answer EDNS is checked again */
};

struct dns_resolver {
	struct address address;
	uint64_t asked_ms, dead_until_ms, check_ms;
	uint64_t plain_until_ms;	/* 0: it knows EDNS, as far as is known */
};

struct dns_resolver_table {
	struct dns_resolver rows[DNS_RESOLVER_TABLE];
};

bool dns_resolver_alive(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms);
/* Shall it be asked the question that every resolver answers at once? Not again too soon. */
bool dns_resolver_check(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms);
void dns_resolver_answered(struct dns_resolver_table *t, const struct address *a);
void dns_resolver_dead(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms,
		       uint64_t for_ms);
/* Does it say nothing to who asks with EDNS, and is it time to see whether it still does so? */
bool dns_resolver_plain(struct dns_resolver_table *t, const struct address *a);
bool dns_resolver_plain_is_old(struct dns_resolver_table *t, const struct address *a,
			       uint64_t now_ms);
void dns_resolver_set_plain(struct dns_resolver_table *t, const struct address *a, bool plain,
			    uint64_t now_ms);
/* The living first, then the dead; else in the order given. */
void dns_resolver_order(struct dns_resolver_table *t, struct address *list, int count,
			uint64_t now_ms);
