/* test_backoff.c - waits double up to their end and begin anew after a good while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/backoff.h"

static void grows(void **state)
{
	static const uint64_t waits[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	uint64_t wait = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		wait = backoff_next_ms(wait, 0);
		assert_int_equal(wait, waits[i]);
	}
	assert_int_equal(backoff_next_ms(10000, BACKOFF_RESET_MS - 1), 10000);
	assert_int_equal(backoff_next_ms(10000, BACKOFF_RESET_MS), BACKOFF_FIRST_MS);
	assert_int_equal(backoff_next_ms(UINT64_MAX, 0), BACKOFF_MAX_MS);
	assert_int_equal(backoff_next_ms(0, UINT64_MAX), BACKOFF_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
