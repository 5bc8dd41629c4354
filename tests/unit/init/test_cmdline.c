/* test_cmdline.c - which wishes the kernel command line holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/cmdline.h"

static void wishes(void **state)
{
	static const struct {
		const char *text;
		enum cmdline_data data;
		bool shell;
		const char *wrong, *hint;
	} cases[] = {
		{ "", CMDLINE_DATA_AUTO, false, "", NULL },
		{ "quiet console=ttyS0\n", CMDLINE_DATA_AUTO, false, "", NULL },
		{ "cuvette.console=shell", CMDLINE_DATA_AUTO, true, "", NULL },
		{ "a cuvette.data=ram b cuvette.console=shell\n", CMDLINE_DATA_RAM, true, "",
		  NULL },
		{ "cuvette.data=ram cuvette.data=erase", CMDLINE_DATA_ERASE, false, "", NULL },
		{ "cuvette.data=erase cuvette.data=auto", CMDLINE_DATA_AUTO, false, "", NULL },
		{ "cuvette.lab=off", CMDLINE_DATA_AUTO, false, "", NULL },
		{ "xcuvette.data=ram", CMDLINE_DATA_AUTO, false, "", NULL },
		{ "cuvette.dat=erase", CMDLINE_DATA_AUTO, false, "cuvette.dat=erase",
		  "cuvette.data=erase" },
		{ "cuvette.data=Erase", CMDLINE_DATA_AUTO, false, "cuvette.data=Erase",
		  "cuvette.data=erase" },
		{ "cuvette.console=sh cuvette.foo", CMDLINE_DATA_AUTO, false, "cuvette.console=sh",
		  "cuvette.console=shell" },
		{ "cuvette.nothing-like-it", CMDLINE_DATA_AUTO, false, "cuvette.nothing-like-it",
		  NULL },
		/* Inside quotes it is another's argument. */
		{ "dm-mod.create=\"root,,,ro,0 cuvette.data=erase x\" cuvette.data=ram",
		  CMDLINE_DATA_RAM, false, "", NULL },
		{ "\"cuvette.data=ram\"", CMDLINE_DATA_RAM, false, "", NULL },
		{ "open=\"cuvette.data=erase", CMDLINE_DATA_AUTO, false, "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cmdline c;

		cmdline_parse(cases[i].text, &c);
		assert_int_equal(c.data, cases[i].data);
		assert_int_equal(c.console_shell, cases[i].shell);
		assert_string_equal(c.wrong, cases[i].wrong);
		if (cases[i].hint)
			assert_string_equal(c.hint, cases[i].hint);
		else
			assert_null(c.hint);
	}
}

static void long_word(void **state)
{
	char text[2 * CMDLINE_WORD_MAX + 32];
	struct cmdline c;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "cuvette.", 8);
	strcpy(text + 2 * CMDLINE_WORD_MAX, " cuvette.data=ram");
	cmdline_parse(text, &c);
	assert_int_equal(c.data, CMDLINE_DATA_RAM);
	assert_int_equal(strlen(c.wrong), CMDLINE_WORD_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes),
		cmocka_unit_test(long_word),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
