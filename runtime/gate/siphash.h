/* siphash.h - a keyed hash of few bytes: who does not know the key cannot choose what collides.
 *
 * SipHash-1-3, as the kernel's hash tables use it. Pure. Source: Aumasson, Bernstein: SipHash. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t word[2];
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t size_bytes);
