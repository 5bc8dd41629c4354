/* test_boot.c - the boot record as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "init/boot.h"

static void parses(void **state)
{
	struct boot_stage stages[BOOT_STAGES_MAX];

	(void)state;
	assert_int_equal(boot_parse("", stages), 0);
	assert_int_equal(boot_parse("kernel 31000000\nmounts 35000000\n", stages), 2);
	assert_string_equal(stages[0].name, "kernel");
	assert_true(stages[1].at_ns == 35000000);
	/* Out of order, without an end, with lines of another form. */
	assert_int_equal(boot_parse("b 20\nnonsense\na 10\n\nx 5 6\ny -3x\nservice:lab 30", stages),
			 3);
	assert_string_equal(stages[0].name, "a");
	assert_string_equal(stages[1].name, "b");
	assert_string_equal(stages[2].name, "service:lab");
	/* Equal times keep their order. */
	assert_int_equal(boot_parse("first 7\nsecond 7\n", stages), 2);
	assert_string_equal(stages[0].name, "first");
}

static void bounds(void **state)
{
	struct boot_stage stages[BOOT_STAGES_MAX];
	char text[BOOT_STAGES_MAX * 40] = "";

	(void)state;
	for (int i = 0; i < BOOT_STAGES_MAX + 10; i++)
		sprintf(text + strlen(text), "stage%d %d\n", i, i);
	assert_int_equal(boot_parse(text, stages), BOOT_STAGES_MAX);
	memset(text, 'n', 200);
	strcpy(text + 200, " 5\nshort 6\n");
	assert_int_equal(boot_parse(text, stages), 1);
	assert_string_equal(stages[0].name, "short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
