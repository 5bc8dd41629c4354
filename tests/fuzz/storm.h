/* storm.h - inputs by the million for one fuzz target: what storm.c gives to those who make them.
 *
 * An input depends on the seed corpus, the storm's seed and its own number alone, so that any one
 * can be made again. Pure but for the corpus, which is read once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { STORM_INPUT_MAX = 1 << 20 };

struct storm_seed {
	const uint8_t *bytes;
	size_t size_bytes;
};

struct storm_seeds {
	struct storm_seed *all; /* what is committed first */
	size_t count, committed;
};

struct storm_dice {
	uint64_t state;
};

/* wyrand: one multiplication a number. */
static inline uint64_t storm_throw(struct storm_dice *d)
{
	__uint128_t product;

	d->state += 0xa0761d6478bd642full;
	product = (__uint128_t)d->state * (d->state ^ 0xe7037ed1a0b428dbull);
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Below `limit`, which is not 0. */
static inline uint32_t storm_below(struct storm_dice *d, uint32_t limit)
{
	return (uint32_t)((storm_throw(d) >> 32) * limit >> 32);
}

/* One time in `n`. */
static inline bool storm_one_in(struct storm_dice *d, uint32_t n)
{
	return storm_below(d, n) == 0;
}

/* Two inputs become one: of `out` what stands before `at`, then the other's end from `skip` on. Its
 * size, at most `most`, which `at` is not beyond. */
static inline size_t storm_splice(uint8_t *out, size_t at, size_t most, const uint8_t *other,
				  size_t other_bytes, size_t skip)
{
	size_t size = other_bytes - skip < most - at ? other_bytes - skip : most - at;

	memcpy(out + at, other + skip, size);
	return at + size;
}

/* A value at which lengths and counts break; `near` is a size that stands for itself. */
uint16_t storm_edge(struct storm_dice *d, size_t near);
const struct storm_seed *storm_pick(const struct storm_seeds *seeds, struct storm_dice *d);

/* Makes one input of at most STORM_INPUT_MAX bytes: its size. */
typedef size_t storm_make_fn(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out);

storm_make_fn storm_make_frames, storm_make_message, storm_make_text;
/* Of the rows of all seeds those that are frames; once, before storm_make_frames. */
void storm_learn_frames(const struct storm_seeds *seeds);

/* Of the target: what it counts when it is not inputs. */
uint64_t fuzz_count(void) __attribute__((weak));
