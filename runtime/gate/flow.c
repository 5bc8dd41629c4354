#include "gate/flow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "gate/siphash.h"

struct flow_table {
	struct siphash_key secret;
	struct flow **buckets;
	uint32_t mask; /* buckets - 1 */
	uint32_t flows, flows_max;
};

struct flow_table *flow_table_create(uint32_t flows_max)
{
	struct flow_table *t = calloc(1, sizeof(*t));
	uint32_t buckets = 256;

	if (!t || getrandom(&t->secret, sizeof(t->secret), 0) != sizeof(t->secret))
		abort();
	t->flows_max = flows_max ? flows_max : FLOW_TABLE_MAX;
	while (buckets < t->flows_max)
		buckets *= 2;
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (!t->buckets)
		abort();
	t->mask = buckets - 1;
	return t;
}

void flow_table_destroy(struct flow_table *t)
{
	if (!t)
		return;
	free(t->buckets);
	free(t);
}

uint32_t flow_table_count(const struct flow_table *t)
{
	return t->flows;
}

uint32_t flow_table_free(const struct flow_table *t)
{
	return t->flows_max - t->flows;
}

static uint32_t hash_of(const struct flow_table *t, const struct flow_key *k)
{
	/* Packed by hand: padding of the struct must not count. */
	struct {
		uint8_t inside[16], outside[16];
		uint16_t inside_port, outside_port;
		uint8_t family, protocol, zero[2];
	} words = { .inside_port = k->inside_port,
		    .outside_port = k->outside_port,
		    .family = k->inside.family,
		    .protocol = k->protocol };

	memcpy(words.inside, k->inside.bytes, 16);
	memcpy(words.outside, k->outside.bytes, 16);
	return (uint32_t)siphash(&t->secret, &words, sizeof(words));
}

static bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return a->inside_port == b->inside_port && a->outside_port == b->outside_port &&
	       a->protocol == b->protocol && address_equal(&a->inside, &b->inside) &&
	       address_equal(&a->outside, &b->outside);
}

struct flow *flow_find(const struct flow_table *t, const struct flow_key *key)
{
	uint32_t hash = hash_of(t, key);
	struct flow *f;

	for (f = t->buckets[hash & t->mask]; f; f = f->next)
		if (f->hash == hash && key_equal(&f->key, key))
			return f;
	return NULL;
}

int flow_add(struct flow_table *t, struct flow *f, struct flow_account *account)
{
	uint32_t most = account->flows_max ? account->flows_max : FLOW_ACCOUNT_MAX;
	uint32_t own = account->flows - account->clients;
	struct flow **bucket;

	if (own >= most || own >= flow_table_free(t))
		return -1;
	f->hash = hash_of(t, &f->key);
	f->account = account;
	bucket = &t->buckets[f->hash & t->mask];
	f->next = *bucket;
	*bucket = f;
	t->flows++;
	account->flows++;
	return 0;
}

void flow_unlist(struct flow_table *t, struct flow *f)
{
	struct flow **at;

	for (at = &t->buckets[f->hash & t->mask]; *at && *at != f; at = &(*at)->next)
		;
	if (!*at)
		return;
	*at = f->next;
	f->next = NULL;
}

void flow_remove(struct flow_table *t, struct flow *f)
{
	if (!f->account)
		return;
	flow_unlist(t, f);
	t->flows--;
	f->account->flows--;
	f->account = NULL;
}
