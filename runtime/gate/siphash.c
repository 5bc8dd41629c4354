#include "gate/siphash.h"

#include <string.h>

static uint64_t turn(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = turn(v[1], 13) ^ v[0];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] = turn(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = turn(v[1], 17) ^ v[2];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] = turn(v[2], 32);
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t size_bytes)
{
	uint64_t v[4] = { key->word[0] ^ 0x736f6d6570736575, key->word[1] ^ 0x646f72616e646f6d,
			  key->word[0] ^ 0x6c7967656e657261, key->word[1] ^ 0x7465646279746573 };
	const uint8_t *at = data;
	uint64_t word, last = (uint64_t)size_bytes << 56;
	size_t left;

	for (left = size_bytes; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		v[3] ^= word;
		round_once(v);
		v[0] ^= word;
	}
	word = 0;
	memcpy(&word, at, left);
	last |= word;
	v[3] ^= last;
	round_once(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	round_once(v);
	round_once(v);
	round_once(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
