/* test_plain.c - what a terminal would obey is gone from a text, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "init/plain.h"

static void texts(void **state)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "", "" },
		{ "info a: begins\n", "info a: begins\n" },
		{ "a\tb\n", "a\tb\n" },
		{ "\x1b[2Jx\x1b]0;title\a\n", "?[2Jx?]0;title?\n" },
		{ "50 %\r100 %\x7f\n", "50 %?100 %?\n" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0",
		  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0" },
		{ "\xc2\x9b\x33\x31m \xc2\x80", "??31m ??" },
		{ "\x9b\x33\x31m \xff", "?31m ?" },
		{ "\xc0\x9b \xed\xa0\x80", "?? ???" },
		{ "\xe2\x82", "??" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		plain_make(text, strlen(text));
		assert_string_equal(text, cases[i].plain);
	}
}

static void a_nul(void **state)
{
	char text[] = "a\0b";

	(void)state;
	plain_make(text, 3);
	assert_string_equal(text, "a?b");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts), cmocka_unit_test(a_nul) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
