/* test_buf.c - the bound of a buffer holds, and what was appended after it is reached is not in
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

static void grows_and_drops(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 100000);
	assert_null(b.data);
	for (i = 0; i < 1000; i++)
		assert_true(buf_add_format(&b, "%03d,", i));
	assert_int_equal(b.size_bytes, 4000);
	assert_int_equal(strlen(b.data), 4000);
	assert_memory_equal(b.data + 3996, "999,", 5);
	buf_drop_front(&b, 3996);
	assert_string_equal(b.data, "999,");
	buf_drop_front(&b, 4);
	assert_string_equal(b.data, "");
	assert_true(buf_add_str(&b, "x"));
	assert_true(buf_add(&b, "\0y", 2));
	assert_int_equal(b.size_bytes, 3);
	assert_memory_equal(b.data, "x\0y", 4);
	buf_clear(&b);
	assert_string_equal(b.data, "");
	buf_finish(&b);
	assert_null(b.data);
	buf_finish(&b);
	buf_finish(NULL);
}

static void bound_holds(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_true(buf_add_str(&b, "12345678"));
	assert_false(b.overflow);
	assert_false(buf_add_str(&b, "9"));
	assert_true(b.overflow);
	assert_string_equal(b.data, "12345678");
	buf_drop_front(&b, 8);
	/* Marked for good: a gap in the middle would go unseen. */
	assert_false(buf_add_str(&b, "9"));
	assert_false(buf_add_format(&b, "%d", 9));
	assert_int_equal(b.size_bytes, 0);
	buf_clear(&b);
	assert_true(buf_add_format(&b, "%s", "again"));
	assert_string_equal(b.data, "again");
	assert_false(buf_add(&b, "x", SIZE_MAX));
	buf_finish(&b);
}

static void no_room_at_all(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_true(buf_add_str(&b, ""));
	assert_false(buf_add_str(&b, "x"));
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_drops),
		cmocka_unit_test(bound_holds),
		cmocka_unit_test(no_room_at_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
