/* test_time.c - the boot clock runs, and times are written as the Docker API writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/time.h"

static void clocks_agree(void **state)
{
	uint64_t before_ns = time_boot_ns(), ms = time_boot_ms(), after_ns = time_boot_ns();

	(void)state;
	assert_true(before_ns > 0);
	assert_in_range(ms, before_ns / 1000000, after_ns / 1000000);
	assert_in_range(time_wall_s(), time(NULL) - 1, time(NULL) + 1);
}

static void rfc3339(void **state)
{
	char text[TIME_RFC3339_BYTES];
	struct tm tm = { 0 };
	const char *rest;

	(void)state;
	memset(text, 'x', sizeof(text));
	time_rfc3339_now(text);
	assert_int_equal(strlen(text), strlen("2026-11-20T11:30:00.123456789Z"));
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_non_null(rest);
	assert_int_equal(rest[0], '.');
	assert_int_equal(strspn(rest + 1, "0123456789"), 9);
	assert_string_equal(rest + 10, "Z");
	/* time(2) may lag a tick behind clock_gettime(2). */
	assert_in_range(timegm(&tm), time(NULL) - 1, time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_agree),
		cmocka_unit_test(rfc3339),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
