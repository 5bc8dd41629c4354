/* test_str.c - strict numbers, sizes, words and typing errors, by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/str.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool u64_ok, u32_ok, i64_ok;
		uint64_t u64;
		int64_t i64;
	} cases[] = {
		{ "0", true, true, true, 0, 0 },
		{ "007", true, true, true, 7, 7 },
		{ "4294967295", true, true, true, 4294967295, 4294967295 },
		{ "4294967296", true, false, true, 4294967296, 4294967296 },
		{ "9223372036854775807", true, false, true, INT64_MAX, INT64_MAX },
		{ "9223372036854775808", true, false, false, 9223372036854775808u, 0 },
		{ "18446744073709551615", true, false, false, UINT64_MAX, 0 },
		{ "18446744073709551616", false, false, false, 0, 0 },
		{ "99999999999999999999999", false, false, false, 0, 0 },
		{ "-1", false, false, true, 0, -1 },
		{ "-9223372036854775808", false, false, true, 0, INT64_MIN },
		{ "-9223372036854775809", false, false, false, 0, 0 },
		{ "", false, false, false, 0, 0 },
		{ "-", false, false, false, 0, 0 },
		{ "--1", false, false, false, 0, 0 },
		{ "+1", false, false, false, 0, 0 },
		{ " 1", false, false, false, 0, 0 },
		{ "1 ", false, false, false, 0, 0 },
		{ "0x10", false, false, false, 0, 0 },
		{ "1e3", false, false, false, 0, 0 },
	};
	uint64_t u64;
	uint32_t u32;
	int64_t i64;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		u64 = 77;
		u32 = 77;
		i64 = 77;
		assert_int_equal(str_to_u64(cases[i].text, &u64), cases[i].u64_ok);
		assert_int_equal(str_to_u32(cases[i].text, &u32), cases[i].u32_ok);
		assert_int_equal(str_to_i64(cases[i].text, &i64), cases[i].i64_ok);
		assert_true(u64 == (cases[i].u64_ok ? cases[i].u64 : 77));
		assert_true(u32 == (cases[i].u32_ok ? cases[i].u64 : 77));
		assert_true(i64 == (cases[i].i64_ok ? cases[i].i64 : 77));
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t bytes;
	} cases[] = {
		{ "0", true, 0 },
		{ "1048576", true, 1048576 },
		{ "512k", true, 512 << 10 },
		{ "10m", true, 10 << 20 },
		{ "10M", true, 10 << 20 },
		{ "2gb", true, (uint64_t)2 << 30 },
		{ "2GiB", true, (uint64_t)2 << 30 },
		{ "1.5g", true, 1610612736 },
		{ "0.5k", true, 512 },
		{ "0.0009765625k", true, 1 },
		{ "0.1k", true, 102 },
		{ "1.99999999999999999999999999999k", true, 2047 },
		{ "64b", true, 64 },
		{ "3t", true, (uint64_t)3 << 40 },
		{ "1p", true, (uint64_t)1 << 50 },
		{ "16383.999p", true, 18445618173802708992u + 1124774006935781 },
		{ "16384p", false, 0 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551615k", false, 0 },
		{ "1.5", false, 0 },
		{ "1.5b", false, 0 },
		{ "1.k", false, 0 },
		{ ".5k", false, 0 },
		{ "k", false, 0 },
		{ "", false, 0 },
		{ "-1k", false, 0 },
		{ "1 k", false, 0 },
		{ "1kk", false, 0 },
		{ "1ki", false, 0 },
		{ "1bk", false, 0 },
		{ "1e", false, 0 },
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		bytes = 77;
		if (str_to_bytes(cases[i].text, &bytes) != cases[i].ok ||
		    bytes != (cases[i].ok ? cases[i].bytes : 77))
			fail_msg("%s: %llu", cases[i].text, (unsigned long long)bytes);
	}
}

static void words(void **state)
{
	static const struct {
		const char *text;
		int count;
		const char *words[3];
	} cases[] = {
		{ "", 0, { NULL } },
		{ " \t\r\n", 0, { NULL } },
		{ "one", 1, { "one" } },
		{ "  one\ttwo  ", 2, { "one", "two" } },
		{ "a b c", 3, { "a", "b", "c" } },
		{ "a b c d", -1, { NULL } },
		{ "\"a b\" c", 2, { "a b", "c" } },
		{ "K=\"a b\" c", 2, { "K=a b", "c" } },
		{ "\"\" x", 2, { "", "x" } },
		{ "x \"\"", 2, { "x", "" } },
		{ "\"a\"\"b\"", 1, { "ab" } },
		{ "a \"b c", -1, { NULL } },
		{ "\"", -1, { NULL } },
	};
	char text[64], *found[3];
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		strcpy(text, cases[i].text);
		assert_int_equal(str_split_words(text, found, 3), cases[i].count);
		for (k = 0; k < cases[i].count; k++)
			assert_string_equal(found[k], cases[i].words[k]);
	}
}

static void nearest(void **state)
{
	static const char *const names[] = { "exec", "after", "socket", "shutdown-signal",
					     "env",  NULL };
	static const struct {
		const char *text, *nearest;
	} cases[] = {
		{ "exec", "exec" },
		{ "exce", "exec" },
		{ "exect", "exec" },
		{ "sokcet", "socket" },
		{ "soket", "socket" },
		{ "afterr", "after" },
		{ "shutdown_signl", "shutdown-signal" },
		{ "enviro", NULL },
		{ "enc", "env" },
		{ "zzzz", NULL },
		{ "socketsocket", NULL },
	};
	char longer[200];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (cases[i].nearest)
			assert_string_equal(str_nearest(cases[i].text, names), cases[i].nearest);
		else
			assert_null(str_nearest(cases[i].text, names));
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(str_nearest(longer, names));
	assert_null(str_nearest("exec", (const char *const[]){ longer, NULL }));
}

static void file_names(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "a", true },
		{ "Web-1_x.y", true },
		{ "9", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ ".x", false },
		{ "-x", false },
		{ "_x", false },
		{ "a/b", false },
		{ "a b", false },
		{ "a\n", false },
		{ "\xc3\xa4", false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(str_is_name(cases[i].text), cases[i].ok);
}

static void pieces(void **state)
{
	char target[4];

	(void)state;
	assert_true(str_equal("a", "a"));
	assert_false(str_equal("a", "ab"));
	assert_true(str_starts("work:/x", "work:"));
	assert_false(str_starts("wor", "work"));
	assert_true(str_ends("a.unit", ".unit"));
	assert_false(str_ends("unit", ".unit"));
	assert_true(str_copy(target, sizeof(target), "abc"));
	assert_string_equal(target, "abc");
	assert_false(str_copy(target, sizeof(target), "abcd"));
	assert_string_equal(target, "");
	assert_false(str_copy(target, 0, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(sizes),	 cmocka_unit_test(words),
		cmocka_unit_test(nearest), cmocka_unit_test(file_names), cmocka_unit_test(pieces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
