/* test_turn.c - who is next: equal parts of the time, and who was away comes first; and not for
 * long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/turn.h"

enum { US = 1000, MS = 1000 * US, OF_MANY = 5 };

static struct turns all;
static uint64_t now_ns;

static struct turn *next_of(struct turn *who, int count)
{
	struct turn *next = &who[0];

	for (int i = 1; i < count; i++)
		if (turn_is_before(&all, &who[i], next))
			next = &who[i];
	return next;
}

static void serve(struct turn *t, uint64_t took_ns)
{
	turn_begin(&all, t, now_ns);
	now_ns += took_ns;
	turn_end(t, took_ns);
}

/* One whose turns are short has more of them. */
static void equal_parts(void **state)
{
	static const uint64_t length_us[OF_MANY] = { 60, 60, 5, 20, 1 };
	uint64_t had_ns[OF_MANY] = { 0 }, length;
	struct turn who[OF_MANY] = { 0 };

	(void)state;
	for (int i = 0; i < 100 * 1000; i++) {
		struct turn *t = next_of(who, OF_MANY);

		length = length_us[t - who] * US;
		had_ns[t - who] += length;
		serve(t, length);
	}
	for (int i = 1; i < OF_MANY; i++) {
		assert_true(had_ns[i] <= had_ns[0] + 60 * US);
		assert_true(had_ns[i] + 60 * US >= had_ns[0]);
	}
}

/* It asks now and then and takes little: nobody comes before it, however many there are. */
static void sparse_is_next(void **state)
{
	struct turn hogs[OF_MANY] = { 0 }, sparse = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		for (int pause = 1 + i % 7; pause > 0; pause--)
			serve(next_of(hogs, OF_MANY), 60 * US);
		assert_false(turn_is_before(&all, next_of(hogs, OF_MANY), &sparse));
		serve(&sparse, 8 * US);
		turn_leave(&sparse);
	}
}

static void nothing_is_saved_up(void **state)
{
	struct turn who[2] = { 0 };
	int of_first = 0;

	(void)state;
	turn_leave(&who[0]);
	for (int i = 0; i < 1000; i++)
		serve(&who[1], 60 * US);
	for (int i = 0; i < 20; i++) {
		struct turn *t = next_of(who, 2);

		of_first += t == &who[0];
		serve(t, 60 * US);
	}
	assert_in_range(of_first, 10, 12);
}

/* As if there were nothing to do after each of its turns. */
static void to_leave_often_wins_little(void **state)
{
	struct turn who[2] = { 0 };
	uint64_t had_ns[2] = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct turn *t = next_of(who, 2);

		had_ns[t - who] += 60 * US;
		serve(t, 60 * US);
		turn_leave(&who[0]);
	}
	assert_in_range(had_ns[0] - had_ns[1], 0, 300 * US);
}

/* What the machine took away meanwhile is nobody's debt. */
static void no_turn_costs_all(void **state)
{
	struct turn who[2] = { 0 };
	int waited = 0;

	(void)state;
	serve(&who[1], 60 * US);
	serve(&who[0], 4 * MS);
	while (next_of(who, 2) == &who[1]) {
		serve(&who[1], 50 * US);
		waited++;
	}
	assert_in_range(waited, 1, 2);
}

static void alone(void **state)
{
	struct turn a = { 0 }, b = { 0 };

	(void)state;
	serve(&a, 1 * US);
	serve(&b, 1 * US);
	assert_false(turns_are_one(&all, now_ns));
	for (int i = 0; i < 1000; i++)
		serve(&b, 60 * US);
	assert_true(turns_are_one(&all, now_ns));
	serve(&a, 1 * US);
	assert_false(turns_are_one(&all, now_ns));
	serve(&b, 1 * US);
	assert_false(turns_are_one(&all, now_ns));
}

static int anew(void **state)
{
	(void)state;
	all = (struct turns){ 0 };
	now_ns = 1000 * (uint64_t)MS;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(equal_parts, anew),
		cmocka_unit_test_setup(sparse_is_next, anew),
		cmocka_unit_test_setup(nothing_is_saved_up, anew),
		cmocka_unit_test_setup(to_leave_often_wins_little, anew),
		cmocka_unit_test_setup(no_turn_costs_all, anew),
		cmocka_unit_test_setup(alone, anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
