/* test_clock.c - the clock never starts in the past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/clock.h"

static void floors(void **state)
{
	static const struct {
		int64_t now, epoch, saved, best;
		enum clock_source source;
	} cases[] = {
		{ 1000, 500, 700, 1000, CLOCK_FROM_MACHINE },
		{ 1000, -1, -1, 1000, CLOCK_FROM_MACHINE },
		{ 0, 500, -1, 500, CLOCK_FROM_BUILD },
		{ 0, 500, 700, 700, CLOCK_FROM_SAVED },
		{ 0, 700, 500, 700, CLOCK_FROM_BUILD },
		{ 600, 500, 700, 700, CLOCK_FROM_SAVED },
		{ 700, 700, 700, 700, CLOCK_FROM_MACHINE },
		{ -5, -1, -1, -5, CLOCK_FROM_MACHINE },
		{ -5, 0, -1, 0, CLOCK_FROM_BUILD },
		/* A saved time that cannot be one. */
		{ 0, 500, CLOCK_BELIEVABLE_S, 500, CLOCK_FROM_BUILD },
		{ 0, 500, CLOCK_BELIEVABLE_S - 1, CLOCK_BELIEVABLE_S - 1, CLOCK_FROM_SAVED },
		{ 0, 500, INT64_MAX, 500, CLOCK_FROM_BUILD },
		/* The machine's own clock is believed, whatever it says. */
		{ CLOCK_BELIEVABLE_S + 1, 500, 700, CLOCK_BELIEVABLE_S + 1, CLOCK_FROM_MACHINE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum clock_source source;

		assert_true(clock_floor(cases[i].now, cases[i].epoch, cases[i].saved, &source) ==
			    cases[i].best);
		assert_int_equal(source, cases[i].source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
