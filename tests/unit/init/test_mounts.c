/* test_mounts.c - lines of /proc/self/mountinfo, as proc(5) describes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/mounts.h"

static void lines(void **state)
{
	static const struct {
		const char *line, *point, *type;	/* NULL = refused */
	} cases[] = {
		{ "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
		  "/mnt2", "ext3" },
		{ "21 1 0:20 / /data rw - ext4 /dev/vdb rw", "/data", "ext4" },
		{ "21 1 0:20 / / rw shared:1 master:2 - erofs /dev/dm-0 ro", "/", "erofs" },
		{ "22 1 0:5 / /with\\040blank\\011tab\\134slash rw - tmpfs x rw",
		  "/with blank\ttab\\slash", "tmpfs" },
		{ "22 1 0:5 / /dash\\040-\\040point rw - 9p work rw", "/dash - point", "9p" },
		{ "22 1 0:5 / /x\\04 rw - tmpfs x rw", "/x\\04", "tmpfs" },
		{ "22 1 0:5 / /x rw", NULL, NULL },
		{ "22 1 0:5 /", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char point[64], type[16];
		bool got =
			mounts_parse_line(cases[i].line, point, sizeof(point), type, sizeof(type));

		assert_int_equal(got, cases[i].point != NULL);
		if (!got)
			continue;
		assert_string_equal(point, cases[i].point);
		assert_string_equal(type, cases[i].type);
	}
}

static void too_long(void **state)
{
	char point[6], type[16];

	(void)state;
	assert_true(mounts_parse_line("1 1 0:1 / /1234 rw - ext4 x rw", point, sizeof(point), type,
				      sizeof(type)));
	assert_false(mounts_parse_line("1 1 0:1 / /12345 rw - ext4 x rw", point, sizeof(point),
				       type, sizeof(type)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(too_long),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
