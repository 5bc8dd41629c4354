/* order.h - who waits for whom. Pure; a unit is a number, a set of units is a bit per number.
 *
 * Starting: a unit starts as soon as all it comes after have settled. Stopping is the reverse: a
 * unit stops as soon as nothing that comes after it is alive. Everything the order does not tie
 * happens at the same time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ORDER_MAX = 64 };		/* bits of a set */

struct order {
	int count;
	uint64_t after[ORDER_MAX];	/* after[i] = the units that i waits for */
};

#define ORDER_BIT(unit) (UINT64_C(1) << (unit))

bool order_may_start(const struct order *o, int unit, uint64_t settled);
bool order_may_stop(const struct order *o, int unit, uint64_t alive);

/* The shortest cycle through this unit: path[0] = unit, each waits for the next, the last for the
 * first. Returns its length, 0 when there is none. */
int order_cycle(const struct order *o, int unit, int path[ORDER_MAX]);
