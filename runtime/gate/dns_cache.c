#include "gate/dns_cache.h"

#include <stdlib.h>
#include <string.h>

#include "gate/dns_message.h"

enum { BUCKETS = 4096 };

struct entry {
	struct entry *next;		/* of the bucket */
	struct entry *newer, *older;	/* by use */
	uint32_t hash, variant;
	uint64_t from_ms, until_ms;
	size_t bytes;
	struct dns_question question;
	struct dns_reply reply;
};

struct dns_cache {
	uint32_t seed;
	struct entry *buckets[BUCKETS];
	struct entry *newest, *oldest;
	size_t entries, bytes;
};

struct dns_cache *dns_cache_create(uint32_t seed)
{
	struct dns_cache *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->seed = seed;
	return c;
}

static void unlink_use(struct dns_cache *c, struct entry *e)
{
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct dns_cache *c, struct entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void drop(struct dns_cache *c, struct entry *e)
{
	struct entry **at = &c->buckets[e->hash % BUCKETS];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	unlink_use(c, e);
	c->entries--;
	c->bytes -= e->bytes;
	dns_reply_finish(&e->reply);
	free(e);
}

void dns_cache_clear(struct dns_cache *c)
{
	while (c->oldest)
		drop(c, c->oldest);
}

void dns_cache_destroy(struct dns_cache *c)
{
	if (!c)
		return;
	dns_cache_clear(c);
	free(c);
}

static uint32_t hash_of(const struct dns_cache *c, const struct dns_question *q, uint32_t variant)
{
	return dns_name_hash(q->name.wire, q->name.size, c->seed ^ variant) ^ q->type * 0x9e3779b1u;
}

static struct entry *find(struct dns_cache *c, const struct dns_question *q, uint32_t variant)
{
	uint32_t hash = hash_of(c, q, variant);
	struct entry *e;

	for (e = c->buckets[hash % BUCKETS]; e; e = e->next)
		if (e->hash == hash && e->variant == variant && dns_question_equal(&e->question, q))
			return e;
	return NULL;
}

void dns_cache_put(struct dns_cache *c, const struct dns_question *q, uint32_t variant,
		   const struct dns_reply *reply, uint64_t now_ms)
{
	uint32_t ttl = dns_reply_ttl(reply);
	struct entry *e = find(c, q, variant);

	if (e)
		drop(c, e);
	if (ttl == 0 || reply->records.size_bytes > DNS_CACHE_REPLY_MAX)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		abort();
	e->variant = variant;
	e->hash = hash_of(c, q, variant);
	e->question = *q;
	e->from_ms = now_ms;
	e->until_ms = now_ms + 1000ull * ttl;
	dns_reply_init(&e->reply);
	e->reply.rcode = reply->rcode;
	buf_add(&e->reply.records, reply->records.data, reply->records.size_bytes);
	e->bytes = sizeof(*e) + e->reply.records.capacity_bytes;
	e->next = c->buckets[e->hash % BUCKETS];
	c->buckets[e->hash % BUCKETS] = e;
	link_newest(c, e);
	c->entries++;
	c->bytes += e->bytes;
	while (c->entries > DNS_CACHE_ENTRIES_MAX || c->bytes > DNS_CACHE_BYTES_MAX)
		drop(c, c->oldest);
}

const struct dns_reply *dns_cache_get(struct dns_cache *c, const struct dns_question *q,
				      uint32_t variant, uint64_t now_ms, uint32_t *age_s)
{
	struct entry *e = find(c, q, variant);

	if (!e)
		return NULL;
	if (e->until_ms <= now_ms) {
		drop(c, e);
		return NULL;
	}
	unlink_use(c, e);
	link_newest(c, e);
	*age_s = (now_ms - e->from_ms) / 1000;
	return &e->reply;
}

size_t dns_cache_entries(const struct dns_cache *c)
{
	return c->entries;
}

size_t dns_cache_bytes(const struct dns_cache *c)
{
	return c->bytes;
}
