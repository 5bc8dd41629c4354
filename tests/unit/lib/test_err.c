/* test_err.c - sentences grow from the cause outwards and are cut, never overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"

static void sentence_grows(void **state)
{
	struct err e;

	(void)state;
	errno = EINVAL;
	assert_int_equal(err_sys(&e, "write %s", "memory.max"), -1);
	assert_int_equal(err_add(&e, "cgroup %s", "web"), -1);
	assert_int_equal(err_add(&e, "start box %s", "web"), -1);
	assert_string_equal(e.text,
			    "start box web: cgroup web: write memory.max: Invalid argument");
	assert_int_equal(e.number, EINVAL);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(err_set(&e, "no %d", 7), -1);
	assert_string_equal(e.text, "no 7");
	assert_int_equal(e.number, 0);
	err_clear(&e);
	assert_string_equal(e.text, "");
}

static void own_text_may_be_an_argument(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, "first");
	err_set(&e, "%s, second", e.text);
	assert_string_equal(e.text, "first, second");
}

static void long_text_is_cut(void **state)
{
	char words[2 * ERR_TEXT_MAX];
	struct err e;

	(void)state;
	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	err_set(&e, "%s", words);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	errno = ENOENT;
	err_sys(&e, "%s", words);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_add(&e, "front");
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(e.text, "front: www", 10);
	assert_int_equal(e.number, ENOENT);
}

static void nobody_asked(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, "x"), -1);
	assert_int_equal(err_sys(NULL, "x"), -1);
	assert_int_equal(err_add(NULL, "x"), -1);
	err_clear(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentence_grows),
		cmocka_unit_test(own_text_may_be_an_argument),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(nobody_asked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
