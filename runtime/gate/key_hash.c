#include "gate/key_hash.h"

/* FNV-1a, and at the end the mixer of MurmurHash3: the low bits alone choose the bucket. */
uint32_t key_hash(uint32_t seed, const void *key, size_t size_bytes)
{
	const uint8_t *at = key;
	uint32_t hash = seed ^ 2166136261u;
	size_t i;

	for (i = 0; i < size_bytes; i++)
		hash = (hash ^ at[i]) * 16777619u;
	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}
