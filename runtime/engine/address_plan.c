/* address_plan.c - see address_plan.h. */
#include "engine/address_plan.h"

#include <string.h>

enum { TRIES_MAX = 4096 };	/* more than all containers can have together */

static bool is_free(const struct subnet *s, const struct subnet *taken, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (subnet_overlaps(s, &taken[i]))
			return false;
	return true;
}

bool address_plan_subnet4(const struct subnet *taken, size_t count, struct subnet *out)
{
	*out = (struct subnet){ { AF_INET, { 172 } }, 16 };
	for (unsigned i = 18; i < 32; i++) {
		out->address.bytes[1] = (uint8_t)i;
		if (is_free(out, taken, count))
			return true;
	}
	*out = (struct subnet){ { AF_INET, { 192, 168 } }, 20 };
	for (unsigned i = 0; i < 256; i += 16) {
		out->address.bytes[2] = (uint8_t)i;
		if (is_free(out, taken, count))
			return true;
	}
	return false;
}

struct subnet address_plan_subnet6(const uint8_t global_id[5])
{
	struct subnet s = { { AF_INET6, { 0xfd } }, 64 };

	memcpy(s.address.bytes + 1, global_id, 5);
	return s;
}

static void step(struct address *a)
{
	for (size_t i = address_size(a); i-- > 0;)
		if (++a->bytes[i])
			return;
}

bool address_plan_next(const struct subnet *subnet, const struct subnet *range,
		       bool (*is_taken)(void *ctx, const struct address *a), void *ctx,
		       struct address *out)
{
	*out = range->address;
	for (unsigned i = 0; i < TRIES_MAX && subnet_contains(range, out); i++, step(out))
		if (subnet_is_host(subnet, out) && !is_taken(ctx, out))
			return true;
	return false;
}
