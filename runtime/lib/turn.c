#include "lib/turn.h"

enum {
	/* No turn costs more: the rest was other processes' time, in which the worker was ready but
	 * had no CPU. About the cost of two packets of 64 KiB. */
	COST_MAX_NS = 100 * 1000,
	/* So far ahead may be who comes first all the same: some questions and answers. */
	FIRST_NS = 100 * 1000,
	/* Who asks once in so long is waited for no longer than beside others. */
	ALONE_NS = 20 * 1000 * 1000,
};

static uint64_t clock_of(const struct turns *all, const struct turn *t)
{
	return t->used_ns > all->least_ns ? t->used_ns : all->least_ns;
}

/* FIRST_NS more than it is, so that it is never below zero. */
static uint64_t start_of(const struct turns *all, const struct turn *t)
{
	return FIRST_NS + clock_of(all, t) - (t->was_away ? FIRST_NS : 0);
}

bool turn_is_before(const struct turns *all, const struct turn *a, const struct turn *b)
{
	return start_of(all, a) < start_of(all, b);
}

void turn_leave(struct turn *t)
{
	t->was_away = true;
}

void turn_begin(struct turns *all, struct turn *t, uint64_t now_ns)
{
	uint64_t start_ns = start_of(all, t);

	t->used_ns = clock_of(all, t);
	t->was_away = false;
	if (start_ns > all->least_ns + FIRST_NS)
		all->least_ns = start_ns - FIRST_NS;
	if (all->last == t)
		return;
	all->last = t;
	all->changed_ns = now_ns;
}

void turn_end(struct turn *t, uint64_t took_ns)
{
	t->used_ns += took_ns < COST_MAX_NS ? took_ns : COST_MAX_NS;
}

bool turns_are_one(const struct turns *all, uint64_t now_ns)
{
	return now_ns - all->changed_ns > ALONE_NS;
}
