/* dns_cache.h - answers of resolvers, kept as long as their TTL says. Pure: the time is given.
 *
 * A whole answer under its question; parts of it never answer another one, so a resolver cannot
 * say anything about a name that was not asked (RFC 5452 6). Bounded by entries and bytes: the one
 * that was not used for the longest goes first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_cache;
struct dns_question;
struct dns_reply;

enum {
	DNS_CACHE_ENTRIES_MAX = 4096,
	DNS_CACHE_BYTES_MAX = 2 << 20,
	DNS_CACHE_REPLY_MAX = 16 << 10,	/* a larger one is not kept */
};

struct dns_cache *dns_cache_create(uint32_t seed);
void dns_cache_destroy(struct dns_cache *c); /* NULL is fine */
void dns_cache_clear(struct dns_cache *c);

/* variant: what else the answer depends on (DO, CD, whose resolvers). */
void dns_cache_put(struct dns_cache *c, const struct dns_question *q, uint32_t variant,
		   const struct dns_reply *reply, uint64_t now_ms);
/* NULL when there is none; else borrowed until the next call, age_s old. */
const struct dns_reply *dns_cache_get(struct dns_cache *c, const struct dns_question *q,
				      uint32_t variant, uint64_t now_ms, uint32_t *age_s);
size_t dns_cache_entries(const struct dns_cache *c);
size_t dns_cache_bytes(const struct dns_cache *c);
