/* test_tail.c - the last lines of a stream, whatever pieces they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "box/tail.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void keeps_the_last_lines(void **state)
{
	static const struct {
		const char *pieces[4], *text;
	} cases[] = {
		{ { "" }, "" },
		{ { "\n\n" }, "" },
		{ { "one" }, "one" },
		{ { "one\n" }, "one" },
		{ { "o", "ne\ntw", "o\n" }, "one\ntwo" },
		{ { "1\n2\n3\n4\n5\n" }, "1\n2\n3\n4\n5" },
		{ { "1\n2\n3\n", "4\n5\n6" }, "2\n3\n4\n5\n6" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tail t = { 0 };

		for (size_t j = 0; j < COUNT(cases[i].pieces) && cases[i].pieces[j]; j++)
			tail_put(&t, cases[i].pieces[j], strlen(cases[i].pieces[j]));
		assert_string_equal(tail_text(&t), cases[i].text);
	}
}

static void has_a_bound(void **state)
{
	static char much[3 * TAIL_BYTES];
	struct tail t = { 0 };

	(void)state;
	memset(much, 'x', sizeof(much));
	tail_put(&t, much, sizeof(much));
	assert_int_equal(strlen(tail_text(&t)), TAIL_BYTES - 1);
	/* The line that lost its start goes when a whole one follows. */
	tail_put(&t, "\nwhole", 6);
	assert_string_equal(tail_text(&t), "whole");
	for (int i = 0; i < 1000; i++)
		tail_put(&t, "abc\n", 4);
	assert_string_equal(tail_text(&t), "abc\nabc\nabc\nabc\nabc");
}

static void is_always_a_string(void **state)
{
	static char umlauts[2 * TAIL_BYTES];
	struct tail t = { 0 };

	(void)state;
	tail_put(&t, "a\0b", 3);
	assert_string_equal(tail_text(&t), "a?b");
	for (size_t i = 0; i < sizeof(umlauts); i += 2)
		memcpy(umlauts + i, "\xc3\xa4", 2);
	tail_put(&t, umlauts, sizeof(umlauts));
	assert_memory_equal(tail_text(&t), "\xc3\xa4", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_last_lines),
		cmocka_unit_test(has_a_bound),
		cmocka_unit_test(is_always_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
