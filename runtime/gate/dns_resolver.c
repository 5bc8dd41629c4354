#include "gate/dns_resolver.h"

#include <string.h>

static struct dns_resolver *row_of(struct dns_resolver_table *t, const struct address *a)
{
	struct dns_resolver *oldest = t->rows;
	int i;

	for (i = 0; i < DNS_RESOLVER_TABLE; i++) {
		if (address_equal(&t->rows[i].address, a))
			return &t->rows[i];
		if (t->rows[i].asked_ms < oldest->asked_ms)
			oldest = &t->rows[i];
	}
	*oldest = (struct dns_resolver){ .address = *a };
	return oldest;
}

bool dns_resolver_alive(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms)
{
	struct dns_resolver *r = row_of(t, a);

	r->asked_ms = now_ms;
	return r->dead_until_ms <= now_ms;
}

bool dns_resolver_check(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms)
{
	struct dns_resolver *r = row_of(t, a);

	if (r->check_ms > now_ms)
		return false;
	r->check_ms = now_ms + DNS_RESOLVER_CHECK_MS;
	return true;
}

void dns_resolver_answered(struct dns_resolver_table *t, const struct address *a)
{
	row_of(t, a)->dead_until_ms = 0;
}

void dns_resolver_dead(struct dns_resolver_table *t, const struct address *a, uint64_t now_ms,
		       uint64_t for_ms)
{
	row_of(t, a)->dead_until_ms = now_ms + for_ms;
}

bool dns_resolver_plain(struct dns_resolver_table *t, const struct address *a)
{
	return row_of(t, a)->plain_until_ms != 0;
}

bool dns_resolver_plain_is_old(struct dns_resolver_table *t, const struct address *a,
			       uint64_t now_ms)
{
	const struct dns_resolver *r = row_of(t, a);

	return r->plain_until_ms != 0 && r->plain_until_ms <= now_ms;
}

void dns_resolver_set_plain(struct dns_resolver_table *t, const struct address *a, bool plain,
			    uint64_t now_ms)
{
	row_of(t, a)->plain_until_ms = plain ? now_ms + DNS_RESOLVER_PLAIN_MS : 0;
}

void dns_resolver_order(struct dns_resolver_table *t, struct address *list, int count,
			uint64_t now_ms)
{
	struct address swap;
	int i, at;

	/* Insertion: stable, and there are at most eight. */
	for (i = 1; i < count; i++) {
		for (at = i; at > 0 && dns_resolver_alive(t, &list[at], now_ms) &&
			     !dns_resolver_alive(t, &list[at - 1], now_ms);
		     at--) {
			swap = list[at];
			list[at] = list[at - 1];
			list[at - 1] = swap;
		}
	}
}
