/* test_balance.c - who gets the next connection, by tables of states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate/balance.h"

enum { ENTRIES = 4, NOW_MS = 5000 };

/* States by letters: s serves, d drains, i ill, g gone, r serves but refused just now. */
static struct balance make(struct balance_entry entries[ENTRIES], const char *states,
			   enum balance_mode mode)
{
	struct balance b = { .mode = mode, .entries = entries };

	memset(entries, 0, ENTRIES * sizeof(*entries));
	for (; *states; states++, b.count++) {
		entries[b.count].state = *states == 'd' ? BALANCE_DRAINS
					 : *states == 'i' ? BALANCE_ILL
					 : *states == 'g' ? BALANCE_GONE
							  : BALANCE_SERVES;
		if (*states == 'r')
			balance_refused(&b, (int)b.count, NOW_MS);
	}
	return b;
}

static void turns(void **state)
{
	static const struct {
		const char *states, *picked;
	} cases[] = {
		{ "sss", "012012" }, { "s", "000" },	 { "sgs", "0202" },   { "dss", "1212" },
		{ "iss", "1212" },   { "ii", "0101" },	 { "dd", "0101" },    { "id", "000" },
		{ "dgi", "222" },    { "rs", "111" },	 { "rd", "000" },     { "ri", "0101" },
		{ "gg", "--" },	     { "", "--" },	 { "ssss", "01230" },
	};
	struct balance_entry entries[ENTRIES];
	struct balance b;
	const char *want;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b = make(entries, cases[i].states, BALANCE_ROUND_ROBIN);
		for (want = cases[i].picked; *want; want++)
			if (balance_pick(&b, NULL, NOW_MS) != (*want == '-' ? -1 : *want - '0'))
				fail_msg("%s: not %s at %s", cases[i].states, cases[i].picked,
					 want);
	}
}

static void tried_ones(void **state)
{
	struct balance_entry entries[ENTRIES];
	struct balance b = make(entries, "sids", BALANCE_ROUND_ROBIN);
	struct balance_tried tried = { 0 };
	static const int order[] = { 0, 3, 1, 2, -1 };
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		int picked = balance_pick(&b, &tried, NOW_MS);

		assert_int_equal(picked, order[i]);
		if (picked >= 0)
			balance_try(&tried, picked);
	}
}

static void least(void **state)
{
	struct balance_entry entries[ENTRIES];
	struct balance b = make(entries, "ssss", BALANCE_LEAST);

	(void)state;
	entries[0].active = 3;
	entries[1].active = 1;
	entries[2].active = 2;
	entries[3].active = 1;
	assert_int_equal(balance_pick(&b, NULL, NOW_MS), 1);
	/* Of equals the next in turn. */
	assert_int_equal(balance_pick(&b, NULL, NOW_MS), 3);
	assert_int_equal(balance_pick(&b, NULL, NOW_MS), 1);
	/* A rank beats the number of connections. */
	entries[1].state = entries[3].state = BALANCE_ILL;
	assert_int_equal(balance_pick(&b, NULL, NOW_MS), 2);
}

static void rest_ends(void **state)
{
	struct balance_entry entries[ENTRIES];
	struct balance b = make(entries, "rs", BALANCE_LEAST);

	(void)state;
	entries[1].active = 9;
	assert_int_equal(balance_pick(&b, NULL, NOW_MS + BALANCE_REST_MS - 1), 1);
	assert_int_equal(balance_pick(&b, NULL, NOW_MS + BALANCE_REST_MS), 0);
}

static void new_ones_are_asked_again(void **state)
{
	struct balance_entry entries[3] = { { .state = BALANCE_SERVES },
					    { .state = BALANCE_SERVES },
					    { .state = BALANCE_GONE } };
	struct balance b = { .count = 3, .entries = entries };

	(void)state;
	assert_false(balance_knock_again(&b, 1000));
	balance_begins(&b, 0, 1000);
	balance_refused(&b, 0, 1000);
	balance_refused(&b, 1, 1000);
	assert_true(balance_knock_again(&b, 1000));
	assert_int_equal(entries[0].rests_until_ms, 0);
	assert_int_equal(entries[1].rests_until_ms, 1000 + BALANCE_REST_MS);
	assert_true(balance_knock_again(&b, 1000 + BALANCE_KNOCK_MS - 1));
	assert_false(balance_knock_again(&b, 1000 + BALANCE_KNOCK_MS));
	/* Who has answered once and refuses now is refused. */
	balance_answered(&b, 0);
	assert_false(balance_knock_again(&b, 1001));
	balance_begins(&b, 2, 1000);
	assert_false(balance_knock_again(&b, 1001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_ones_are_asked_again),
		cmocka_unit_test(turns),
		cmocka_unit_test(tried_ones),
		cmocka_unit_test(least),
		cmocka_unit_test(rest_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
