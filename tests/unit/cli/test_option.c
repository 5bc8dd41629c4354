/* test_option.c - the tables of the command line: options, global options, verbs, ids, spans of
 * time, JSON for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "box/container_dir.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/globals.h"
#include "cli/indent.h"
#include "cli/option.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"

struct values {
	bool flag, tty;
	const char *text, **list;
	uint64_t count;
};

static const struct option table[] = {
	{ "count", 'n', OPTION_COUNT, offsetof(struct values, count), "N", "a number" },
	{ "flag", 'f', OPTION_FLAG, offsetof(struct values, flag), NULL, "a flag" },
	{ "list", 'e', OPTION_LIST, offsetof(struct values, list), "ITEM", "more than one" },
	{ "old", 0, OPTION_NOTHING, 0, "VALUE", NULL },
	{ "text", 'x', OPTION_TEXT, offsetof(struct values, text), "TEXT", "a text" },
	{ "tty", 't', OPTION_FLAG, offsetof(struct values, tty), NULL, "a terminal" },
	{ 0 },
};

/* What the words become: the values as text, then the words that are left. */
static void show(const struct values *v, char *const *rest, struct buf *out)
{
	if (v->flag)
		buf_add_str(out, "flag ");
	if (v->tty)
		buf_add_str(out, "tty ");
	if (v->text)
		buf_add_format(out, "text=%s ", v->text);
	for (size_t i = 0; v->list && v->list[i]; i++)
		buf_add_format(out, "list=%s ", v->list[i]);
	if (v->count)
		buf_add_format(out, "count=%llu ", (unsigned long long)v->count);
	buf_add_str(out, "|");
	for (; *rest; rest++)
		buf_add_format(out, " %s", *rest);
}

static void options_become_values(void **state)
{
	static const struct {
		const char *words, *want;	/* words split at blanks, `_` = the empty word */
	} cases[] = {
		{ "", "|" },
		{ "a b", "| a b" },
		{ "--flag a", "flag | a" },
		{ "--flag=true a", "flag | a" },
		{ "--flag --flag=false a", "| a" },
		{ "-f=false a", "| a" },
		{ "-ft a", "flag tty | a" },
		{ "-tx X a", "tty text=X | a" },
		{ "-txX a", "tty text=X | a" },
		{ "-x=X a", "text=X | a" },
		{ "--text X a", "text=X | a" },
		{ "--text=X a", "text=X | a" },
		{ "--text=X=Y a", "text=X=Y | a" },
		{ "--text= a", "text= | a" },
		{ "--text -f a", "text=-f | a" },
		{ "--text=X --text=Y", "text=Y |" },
		{ "-e A=1 --list B=2 -eC=3 a", "list=A=1 list=B=2 list=C=3 | a" },
		{ "--count 7", "count=7 |" },
		{ "-n 18446744073709551615", "count=18446744073709551615 |" },
		{ "a --flag", "| a --flag" },
		{ "-- --flag a", "| --flag a" },
		{ "--flag -- -x", "flag | -x" },
		{ "- a", "| - a" },
		{ "--old x a", "| a" },
		{ "--old=x a", "| a" },
		{ "--help --wrong", "help" },
		{ "-h", "help" },
		{ "-fh", "help" },
		{ "-?", "help" },
		{ "--usage --wrong", "help" },
		{ "--wrong", "box t: unknown option --wrong; --help shows all" },
		{ "--txet", "box t: unknown option --txet; did you mean --text?" },
		{ "--flagg=true", "box t: unknown option --flagg; did you mean --flag?" },
		{ "--flag=yes", "box t: --flag is true or false, not \"yes\"" },
		{ "-fy", "box t: unknown option -y; --help shows all" },
		{ "--text", "box t: --text needs a value: --text=TEXT" },
		{ "-x", "box t: --text needs a value: --text=TEXT" },
		{ "--count 1x", "box t: --count takes a whole number, not \"1x\"" },
		{ "--count=-1", "box t: --count takes a whole number, not \"-1\"" },
		{ "--count=", "box t: --count takes a whole number, not \"\"" },
		{ "--count 18446744073709551616",
		  "box t: --count takes a whole number, not \"18446744073709551616\"" },
		{ "--fla", "box t: unknown option --fla; did you mean --flag?" },
		{ "--=x", "box t: unknown option --; --help shows all" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create(1 << 20);
		char text[256], *words[16] = { 0 };
		struct values v = { 0 };
		struct buf out;
		struct err e;
		bool help;
		int at;

		assert_true(str_copy(text, sizeof(text), cases[i].words));
		assert_true(str_split_words(text, words, 15) >= 0);
		buf_init(&out, 1024);
		at = option_parse(table, "box t", words, &v, a, &help, &e);
		if (at < 0)
			buf_add_str(&out, e.text);
		else if (help)
			buf_add_str(&out, "help");
		else
			show(&v, words + at, &out);
		assert_string_equal(out.data, cases[i].want);
		buf_finish(&out);
		arena_destroy(a);
	}
}

static void help_lists_options(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	option_print(table, &out);
	assert_non_null(strstr(out.data, "  -n, --count=N                  a number\n"));
	assert_non_null(strstr(out.data, "  -t, --tty                      a terminal\n"));
	assert_null(strstr(out.data, "old"));
	buf_finish(&out);
}

static void globals_are_those_of_crun_and_runc(void **state)
{
	static const struct {
		const char *words, *want;
	} cases[] = {
		{ "state x", "state text root=- log=-" },
		{ "--root /r --log /l --log-format json state x", "state json root=/r log=/l" },
		{ "--log-format=json --log=file:/l state", "state json root=- log=/l" },
		{ "--cgroup-manager cgroupfs --rootless=true --debug run",
		  "run text root=- log=-" },
		{ "--cgroup-manager=disabled --log-level debug run",
		  "run text root=- log=- no cgroup" },
		{ "--version", "- text root=- log=- version" },
		{ "-v", "- text root=- log=- version" },
		{ "-V", "- text root=- log=- version" },
		{ "--help", "help" },
		{ "--systemd-cgroup run", "run text root=- log=- systemd" },
		{ "--cgroup-manager=systemd run", "run text root=- log=- systemd" },
		{ "--cgroup-manager=systemd --systemd-cgroup run",
		  "run text root=- log=- systemd" },
		{ "--cgroup-manager=cgroupfs --systemd-cgroup run",
		  "box: --systemd-cgroup and --cgroup-manager=cgroupfs contradict each other: "
		  "leave one out" },
		{ "--cgroup-manager=x run",
		  "box: --cgroup-manager is cgroupfs, systemd or disabled, not \"x\"" },
		{ "--log journald:x run",
		  "box: --log=journald:x: box writes to files only: --log=FILE" },
		{ "--log syslog:x run",
		  "box: --log=syslog:x: box writes to files only: --log=FILE" },
		{ "--log= run", "box: --log needs the name of a file: --log=FILE" },
		{ "--log-format xml run", "box: --log-format is text or json, not \"xml\"" },
		{ "--log-level loud run",
		  "box: --log-level is error, warning, info or debug, not \"loud\"" },
		{ "--rot /r run", "box: unknown option --rot; did you mean --root?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create(1 << 20);
		char text[256], *words[16] = { 0 }, got[512];
		struct globals g = { 0 };
		struct err e;
		int at;

		assert_true(str_copy(text, sizeof(text), cases[i].words));
		assert_true(str_split_words(text, words, 15) >= 0);
		at = globals_parse(&g, a, words, &e);
		if (at < 0)
			assert_true(str_copy(got, sizeof(got), e.text));
		else if (g.help)
			assert_true(str_copy(got, sizeof(got), "help"));
		else
			snprintf(got, sizeof(got), "%s %s root=%s log=%s%s%s%s",
				 words[at] ? words[at] : "-", g.log_json ? "json" : "text",
				 g.root ? g.root : "-", g.log ? g.log : "-",
				 g.no_cgroup ? " no cgroup" : "",
				 g.systemd ? " systemd" : "", g.version ? " version" : "");
		assert_string_equal(got, cases[i].want);
		arena_destroy(a);
	}
}

static void an_id_is_a_file_name(void **state)
{
	static const char *const good[] = { "a", "A", "0", "_", "+", "-", "a.b", "..a", "a..",
					    "0123456789abcdef", "a_b+c-d.e", "-x", "..." };
	static const char *const bad[] = { "",	   ".",	  "..",	      "a/b",   "/",  "a b",
					   "a\n",  "a:b", "\303\244", "a\x7f", "a*", "~",
					   "a\\b", "$x",  "a=b",      "a,b",   "a@b" };
	char longest[CONTAINER_ID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(container_id_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(container_id_is_valid(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[CONTAINER_ID_MAX + 1] = '\0';
	assert_false(container_id_is_valid(longest));
	longest[CONTAINER_ID_MAX] = '\0';
	assert_true(container_id_is_valid(longest));
}

static void spans_of_time(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;	/* 0 = an error */
	} cases[] = {
		{ "5s", 5000 },
		{ "5", 5000 },
		{ "500ms", 500 },
		{ "1m", 60000 },
		{ "1m30s", 90000 },
		{ "1h", 3600000 },
		{ "1h1m1s1ms", 3661001 },
		{ "", 0 },
		{ "s", 0 },
		{ "0s", 0 },
		{ "0", 0 },
		{ "-5s", 0 },
		{ "5x", 0 },
		{ "1.5s", 0 },
		{ "5 s", 0 },
		{ "5s5", 0 },
		{ "9999999999999h", 0 },
		{ "5sm", 0 },
		{ "99999999999999999999s", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t ms = 0;
		struct err e;
		int failed = duration_parse(cases[i].text, &ms, &e);

		assert_int_equal(failed, cases[i].ms == 0 ? -1 : 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void json_for_people(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{ "{}", "{}\n" },
		{ "[]", "[]\n" },
		{ "{\"a\":1}", "{\n  \"a\": 1\n}\n" },
		{ "{\"a\":[],\"b\":{}}", "{\n  \"a\": [],\n  \"b\": {}\n}\n" },
		{ "[1,\"x,y\"]", "[\n  1,\n  \"x,y\"\n]\n" },
		{ "{\"a\":\"\\\"{[\\\\\"}", "{\n  \"a\": \"\\\"{[\\\\\"\n}\n" },
		{ "{\"a\":{\"b\":[true]}}",
		  "{\n  \"a\": {\n    \"b\": [\n      true\n    ]\n  }\n}\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 1024);
		indent_json(cases[i].json, &out);
		assert_string_equal(out.data, cases[i].want);
		buf_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_become_values),
		cmocka_unit_test(help_lists_options),
		cmocka_unit_test(globals_are_those_of_crun_and_runc),
		cmocka_unit_test(an_id_is_a_file_name),
		cmocka_unit_test(spans_of_time),
		cmocka_unit_test(json_for_people),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
