/* dns_resolver.h - which resolvers live: what is remembered of each one that was asked. Pure.
 *
 * Bounded: RESOLVERS of them; the one that was not asked for the longest is forgotten. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/address.h"

enum {
	DNS_RESOLVER_TABLE = 64,
	DNS_RESOLVER_SILENT_MS = 30000,	/* dead so long after two silences */
	DNS_RESOLVER_GONE_MS = 5000,	/* after an ICMP error */
	DNS_RESOLVER_PROBE_MS = 2000,
};

struct dns_resolver {
	struct address address;
	uint8_t silences;	/* one after another */
	uint64_t asked_ms, dead_until_ms, probe_ms;
};

struct dns_resolver_table {
	struct dns_resolver rows[DNS_RESOLVER_TABLE];
};

bool dns_resolver_alive(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms);
/* A dead one that may be asked all the same, to see whether it is back; says so once per time. */
bool dns_resolver_probe(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms);
void dns_resolver_answered(struct dns_resolver_table *t, const struct address *a);
void dns_resolver_silent(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms);
void dns_resolver_gone(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms);
/* The living first, then the dead; else in the order given. */
void dns_resolver_order(struct dns_resolver_table *t, struct address *list, int count,
			uint64_t now_ms);
