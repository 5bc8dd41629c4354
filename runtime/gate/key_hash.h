/* key_hash.h - the hash of a key in one of our tables. Pure.
 *
 * Seeded with random bits: keys come from messages and packets, and nobody outside shall be able to
 * choose many that fall into one bucket. Not for anything that has to withstand an analysis. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t key_hash(uint32_t seed, const void *key, size_t size_bytes);
