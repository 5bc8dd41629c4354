/* test_scalar.c - the small formats, the variables and the words of a command line. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "compose/interpolate.h"
#include "compose/scalar.h"
#include "compose/words.h"
#include "lib/arena.h"
#include "lib/err.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
enum { BAD = -1 };

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "10s", 10000 },    { "1m30s", 90000 }, { "500ms", 500 },
		{ "1.5h", 5400000 }, { "0s", 0 },	 { "1h0m0.25s", 3600250 },
		{ "", BAD },	     { "10", BAD },	 { "s", BAD },
		{ "1x", BAD },	     { "-1s", BAD },	 { "1 s", BAD },
		{ ".5s", BAD },	     { "1.s", BAD },	 { "99999999999999999999s", BAD },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t ms = 0;

		if (scalar_duration_ms(rows[i].text, &ms) != (rows[i].ms != BAD) ||
		    (rows[i].ms != BAD && ms != (uint64_t)rows[i].ms))
			fail_msg("%s: %llu", rows[i].text, (unsigned long long)ms);
	}
}

static void cpus(void **state)
{
	static const struct {
		const char *text;
		int64_t nanos;
	} rows[] = {
		{ "1", 1000000000 }, { "0.5", 500000000 }, { "2.000000001", 2000000001 },
		{ "0", BAD },	     { "", BAD },	   { "1.0000000001", BAD },
		{ "-1", BAD },	     { "1,5", BAD },	   { "1e3", BAD },
		{ "1.", BAD },	     { "x", BAD },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t nanos = 0;

		if (scalar_nano_cpus(rows[i].text, &nanos) != (rows[i].nanos != BAD) ||
		    (rows[i].nanos != BAD && nanos != (uint64_t)rows[i].nanos))
			fail_msg("%s: %llu", rows[i].text, (unsigned long long)nanos);
	}
}

static void signals(void **state)
{
	static const struct {
		const char *text;
		int number;
	} rows[] = {
		{ "SIGINT", SIGINT }, { "TERM", SIGTERM }, { "9", 9 },	    { "SIGRTMIN+3", 37 },
		{ "0", BAD },	      { "65", BAD },	   { "SIGX", BAD }, { "sigint", SIGINT },
		{ "", BAD },	      { "RTMIN+31", BAD },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		unsigned number = 0;

		if (scalar_signal(rows[i].text, &number) != (rows[i].number != BAD) ||
		    (rows[i].number != BAD && number != (unsigned)rows[i].number))
			fail_msg("%s: %u", rows[i].text, number);
	}
}

static void paths_and_cpusets(void **state)
{
	static const struct {
		const char *text;
		bool path, cpuset;
	} rows[] = {
		{ "/a", true, false },	   { "/a/b.c", true, false },	{ "/", false, false },
		{ "", false, false },	   { "a", false, false },	{ "/a/", false, false },
		{ "/a//b", false, false }, { "/a/../b", false, false }, { "/..", false, false },
		{ "/.", false, false },	   { "/..a", true, false },	{ "/...", true, false },
		{ "0", false, true },	   { "0-3,5", false, true },	{ "0,", false, false },
		{ "0-", false, false },	   { "0 ,1", false, false },	{ "12345", false, false },
		{ "-1", false, false },	   { "3-1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		if (scalar_is_clean_path(rows[i].text) != rows[i].path ||
		    scalar_is_cpuset(rows[i].text) != rows[i].cpuset)
			fail_msg("\"%s\"", rows[i].text);
}

static void capabilities_and_rlimits(void **state)
{
	uint64_t bits;
	int resource;

	(void)state;
	assert_true(scalar_capability("NET_ADMIN", &bits) && bits == 1ull << 12);
	assert_true(scalar_capability("cap_chown", &bits) && bits == 1);
	assert_true(scalar_capability("ALL", &bits) && bits == UINT64_MAX);
	assert_false(scalar_capability("NET_ADMINS", &bits));
	assert_false(scalar_capability("", &bits));
	assert_true(scalar_rlimit("nofile", &resource) && resource == RLIMIT_NOFILE);
	assert_false(scalar_rlimit("files", &resource));
}

static void variables(void **state)
{
	static const struct compose_var vars[] = {
		{ "TOKEN", "abc" },
		{ "EMPTY", "" },
		{ "TRICK", "x\nservices: {}\n$TOKEN" },
		{ NULL, NULL },
	};
	static const struct {
		const char *text, *result, *error;
	} rows[] = {
		{ "plain", "plain", NULL },
		{ "${TOKEN}", "abc", NULL },
		{ "/lab?token=${TOKEN}&x=$TOKEN.", "/lab?token=abc&x=abc.", NULL },
		{ "$$TOKEN $${TOKEN}", "$TOKEN ${TOKEN}", NULL },
		{ "${EMPTY}", "", NULL },
		{ "${EMPTY:-d}", "d", NULL },
		{ "${EMPTY-d}", "", NULL },
		{ "${NONE:-}", "", NULL },
		{ "${NONE-a b}c", "a bc", NULL },
		{ "${TOKEN:-d}", "abc", NULL },
		{ "${TRICK}", "x\nservices: {}\n$TOKEN", NULL },
		{ "${NONE}", NULL, "variable NONE is not set" },
		{ "a $NONE", NULL, "variable NONE is not set" },
		{ "${", NULL, "\"${\" is not understood" },
		{ "${}", NULL, "\"${}\" is not understood" },
		{ "${TOKEN", NULL, "\"${TOKEN\" is not understood" },
		{ "${TOKEN:?no}", NULL, "\"${TOKEN:?no}\" is not understood" },
		{ "${1A}", NULL, "\"${1A}\" is not understood" },
		{ "${NONE:-${TOKEN}}", NULL, "the default of ${NONE} holds a \"$\"" },
		{ "cost: 5$", NULL, "a lone \"$\"" },
		{ "$1", NULL, "a lone \"$\"" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e = { .text = "" };
		const char *result = interpolate(rows[i].text, vars, arena, &e);

		if (rows[i].result
			    ? !result || strcmp(result, rows[i].result) != 0
			    : result || strncmp(e.text, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("%s: got \"%s\", error \"%s\"", rows[i].text,
				 result ? result : "-", e.text);
		arena_destroy(arena);
	}
}

static void command_lines(void **state)
{
	static const struct {
		const char *text, *joined;	/* words ended by | each; NULL = refused */
	} rows[] = {
		{ "", "" }, { "  ", "" }, { "a b", "a|b|" }, { "  a   b  ", "a|b|" },
		{ "sh -c 'echo \"x\" > y'", "sh|-c|echo \"x\" > y|" }, { "a\\ b", "a b|" },
		{ "\"a \\\" \\n\"", "a \" \\n|" }, { "'a'\"b\"c", "abc|" }, { "'' x", "|x|" },
		{ "'a", NULL }, { "\"a", NULL }, { "a\\", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create(1 << 20);
		const char *const *words = words_split(rows[i].text, arena, NULL);
		char joined[256] = "";

		for (; words && *words; words++) {
			strcat(joined, *words);
			strcat(joined, "|");
		}
		if (rows[i].joined ? !words || strcmp(joined, rows[i].joined) != 0 : words != NULL)
			fail_msg("%s: %s", rows[i].text, joined);
		arena_destroy(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),		    cmocka_unit_test(cpus),
		cmocka_unit_test(signals),		    cmocka_unit_test(paths_and_cpusets),
		cmocka_unit_test(capabilities_and_rlimits), cmocka_unit_test(variables),
		cmocka_unit_test(command_lines),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
