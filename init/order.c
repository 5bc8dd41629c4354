#include "init/order.h"

bool order_may_start(const struct order *o, int unit, uint64_t settled)
{
	return (o->after[unit] & ~settled) == 0;
}

bool order_may_stop(const struct order *o, int unit, uint64_t alive)
{
	for (int other = 0; other < o->count; other++)
		if (other != unit && (alive & ORDER_BIT(other)) &&
		    (o->after[other] & ORDER_BIT(unit)))
			return false;
	return true;
}

int order_cycle(const struct order *o, int unit, int path[ORDER_MAX])
{
	int queue[ORDER_MAX], from[ORDER_MAX], head = 0, tail = 0;
	uint64_t seen = 0;

	/* Breadth first, until somebody waits for the unit it began with. */
	queue[tail++] = unit;
	while (head < tail) {
		int at = queue[head++];

		if (o->after[at] & ORDER_BIT(unit)) {
			int length = 1, place;

			for (int i = at; i != unit; i = from[i])
				length++;
			place = length;
			for (int i = at; i != unit; i = from[i])
				path[--place] = i;
			path[0] = unit;
			return length;
		}
		for (int next = 0; next < o->count; next++) {
			if (!(o->after[at] & ORDER_BIT(next)) || (seen & ORDER_BIT(next)))
				continue;
			seen |= ORDER_BIT(next);
			from[next] = at;
			queue[tail++] = next;
		}
	}
	return 0;
}
