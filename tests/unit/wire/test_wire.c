/* test_wire.c - the table of messages knows its names and refuses what is not in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/wire.h"

static void names(void **state)
{
	uint32_t type;

	(void)state;
	assert_string_equal(wire_name(WIRE_BOX_START), "BOX_START");
	assert_string_equal(wire_name(WIRE_BOX_OOM), "BOX_OOM");
	assert_string_equal(wire_name(WIRE_NONE), "unknown");
	assert_string_equal(wire_name(WIRE_TYPES), "unknown");
	assert_string_equal(wire_name(UINT32_MAX), "unknown");
	for (type = WIRE_NONE + 1; type < WIRE_TYPES; type++)
		assert_non_null(wire_name(type));
}

static void who_may_send_what(void **state)
{
	static const struct {
		uint32_t type;
		enum wire_program from, to;
		int fd_count;
		bool allowed;
	} cases[] = {
		{ WIRE_BOX_START, WIRE_ENGINED, WIRE_BOXD, 0, true },
		{ WIRE_BOX_START, WIRE_ENGINED, WIRE_BOXD, 6, true },
		{ WIRE_BOX_START, WIRE_ENGINED, WIRE_BOXD, 7, false },
		{ WIRE_BOX_START, WIRE_ENGINED, WIRE_BOXD, -1, false },
		{ WIRE_BOX_START, WIRE_BOXD, WIRE_ENGINED, 1, false },
		{ WIRE_BOX_START, WIRE_SVCTL, WIRE_BOXD, 1, false },
		{ WIRE_BOX_EXEC, WIRE_ENGINED, WIRE_BOXD, 6, true },
		{ WIRE_BOX_EXEC, WIRE_BOXD, WIRE_ENGINED, 1, false },
		{ WIRE_BOX_EXITED, WIRE_BOXD, WIRE_ENGINED, 0, true },
		{ WIRE_BOX_EXITED, WIRE_BOXD, WIRE_ENGINED, 1, false },
		{ WIRE_BOX_EXITED, WIRE_BOXD, WIRE_SVD, 0, false },
		{ WIRE_NONE, WIRE_SVCTL, WIRE_SVCTL, 0, false },
		{ WIRE_TYPES, WIRE_SVCTL, WIRE_SVCTL, 0, false },
		{ UINT32_MAX, WIRE_ENGINED, WIRE_BOXD, 0, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(wire_allowed(cases[i].type, cases[i].from, cases[i].to,
					      cases[i].fd_count),
				 cases[i].allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(who_may_send_what),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
