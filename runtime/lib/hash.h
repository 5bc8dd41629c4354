/* hash.h - SHA-256 (FIPS 180-4): with the CPU's own instructions where it has them, else in C.
 *
 * The caller owns the struct; nothing is allocated and nothing can fail. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HASH_BYTES = 32, HASH_BLOCK_BYTES = 64, HASH_HEX_BYTES = 2 * HASH_BYTES + 1 };

struct hash {
	uint32_t state[8];
	uint64_t size_bytes;		/* of everything added so far */
	unsigned char block[HASH_BLOCK_BYTES];
	bool by_cpu;			/* may be cleared after hash_init: the test of the C code */
};

void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t size_bytes);
void hash_finish(struct hash *h, unsigned char digest[HASH_BYTES]);

/* Lower case, terminated. */
void hash_hex(const unsigned char digest[HASH_BYTES], char hex[HASH_HEX_BYTES]);
