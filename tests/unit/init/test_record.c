/* test_record.c - what a restarted svd reads of a unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/record.h"
#include "lib/err.h"

static void round_trip(void **state)
{
	static const struct record cases[] = {
		{ UNIT_UP, 42, 1234, UINT64_C(99000000000), 3, true },
		{ UNIT_DONE, 0, 0, 0, 0, false },
		{ UNIT_RESTARTING, INT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[RECORD_BYTES_MAX];
		struct record got;

		record_format(&cases[i], text);
		assert_int_equal(record_parse(text, &got, NULL), 0);
		assert_int_equal(got.state, cases[i].state);
		assert_int_equal(got.pid, cases[i].pid);
		assert_true(got.start_ticks == cases[i].start_ticks &&
			    got.since_ns == cases[i].since_ns &&
			    got.restarts == cases[i].restarts &&
			    got.announced == cases[i].announced);
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {
		"", "\n", "up", "up 1 2 3 4", "up 1 2 3 4 5 6", "up 1 2 3 4 2", "flying 1 2 3 4 1",
		"up -1 2 3 4 1", "up 4294967295 2 3 4 1", "up x 2 3 4 1", "up 1 2 3 4 1 \"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct record got;

		assert_int_equal(record_parse(texts[i], &got, NULL), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
