/* test_order.c - who may start, who may stop, which circles there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/order.h"

#define B ORDER_BIT

/* 0 stands alone; 2 after 1; 3 after 1 and 2. */
static const struct order line = { .count = 4, .after = { 0, 0, B(1), B(1) | B(2) } };

static void starting(void **state)
{
	static const struct {
		uint64_t settled;
		bool may[4];
	} cases[] = {
		{ 0, { true, true, false, false } },
		{ B(0), { true, true, false, false } },
		{ B(1), { true, true, true, false } },
		{ B(2), { true, true, false, false } },
		{ B(1) | B(2), { true, true, true, true } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int u = 0; u < 4; u++)
			assert_int_equal(order_may_start(&line, u, cases[i].settled),
					 cases[i].may[u]);
}

static void stopping(void **state)
{
	static const struct {
		uint64_t alive;
		bool may[4];
	} cases[] = {
		{ B(0) | B(1) | B(2) | B(3), { true, false, false, true } },
		{ B(0) | B(1) | B(2), { true, false, true, true } },
		{ B(1) | B(3), { true, false, false, true } },
		{ B(1), { true, true, true, true } },
		{ 0, { true, true, true, true } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int u = 0; u < 4; u++)
			assert_int_equal(order_may_stop(&line, u, cases[i].alive), cases[i].may[u]);
}

/* Whatever the order without circles: taking away who may stop always ends with nobody. */
static void everything_stops(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct order o = { .count = 1 + round % ORDER_MAX };
		uint64_t alive = o.count == 64 ? UINT64_MAX : B(o.count) - 1;

		for (int u = 1; u < o.count; u++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			o.after[u] = (seed >> 11) & (B(u) - 1); /* only on lower ones: no circle */
		}
		while (alive) {
			uint64_t next = alive;

			for (int u = 0; u < o.count; u++)
				if ((alive & B(u)) && order_may_stop(&o, u, alive))
					next &= ~B(u);
			assert_true(next != alive);
			alive = next;
		}
	}
}

static void circles(void **state)
{
	static const struct order self = { .count = 2, .after = { B(0), 0 } };
	static const struct order ring = { .count = 5, .after = { B(1), B(2), B(0), B(0), 0 } };
	/* A short and a long way round: the short one is told. */
	static const struct order two = { .count = 4, .after = { B(1) | B(3), B(2), B(0), B(0) } };
	int path[ORDER_MAX];

	(void)state;
	for (int u = 0; u < 4; u++)
		assert_int_equal(order_cycle(&line, u, path), 0);
	assert_int_equal(order_cycle(&self, 0, path), 1);
	assert_int_equal(path[0], 0);
	assert_int_equal(order_cycle(&self, 1, path), 0);
	assert_int_equal(order_cycle(&ring, 0, path), 3);
	assert_int_equal(path[0], 0);
	assert_int_equal(path[1], 1);
	assert_int_equal(path[2], 2);
	assert_int_equal(order_cycle(&ring, 2, path), 3);
	assert_int_equal(path[0], 2);
	assert_int_equal(path[1], 0);
	/* 3 waits for a circle without being part of it. */
	assert_int_equal(order_cycle(&ring, 3, path), 0);
	assert_int_equal(order_cycle(&two, 0, path), 2);
	assert_int_equal(path[1], 3);
}

static void full(void **state)
{
	struct order o = { .count = ORDER_MAX };
	int path[ORDER_MAX];

	(void)state;
	for (int u = 0; u < ORDER_MAX; u++)
		o.after[u] = B((u + 1) % ORDER_MAX);
	assert_int_equal(order_cycle(&o, 63, path), ORDER_MAX);
	assert_int_equal(path[1], 0);
	assert_int_equal(path[63], 62);
	for (int u = 0; u < ORDER_MAX; u++)
		o.after[u] = UINT64_MAX;
	assert_int_equal(order_cycle(&o, 5, path), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starting),
		cmocka_unit_test(stopping),
		cmocka_unit_test(everything_stops),
		cmocka_unit_test(circles),
		cmocka_unit_test(full),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
