/* test_log.c - no text can forge, split or hide a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/utf8.h"

/* What f writes to stderr; each read of a packet pipe is one write (pipe(2), O_DIRECT). */
static void capture(void (*f)(void), char *out, size_t out_bytes, int *writes)
{
	int ends[2], saved = dup(STDERR_FILENO);
	size_t used = 0;
	ssize_t n;

	assert_int_equal(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
	dup2(ends[1], STDERR_FILENO);
	f();
	dup2(saved, STDERR_FILENO);
	for (*writes = 0; (n = read(ends[0], out + used, out_bytes - 1 - used)) > 0; ++*writes)
		used += (size_t)n;
	out[used] = '\0';
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&saved);
}

static const char *foreign;

static void log_foreign(void)
{
	log_info("%s", foreign);
}

static void escapes(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "plain text key=1", "info t: plain text key=1\n" },
		{ "a\nerr svd: forged", "info t: a\\x0aerr svd: forged\n" },
		{ "\x1b[2J\t\x7f", "info t: \\x1b[2J\\x09\\x7f\n" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		  "info t: gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n" },
		{ "\xc2\x9b"
		  "31m",
		  "info t: \\xc2\\x9b31m\n" },
		{ "\xff\xfe", "info t: \\xff\\xfe\n" },
		{ "\xc0\x8a", "info t: \\xc0\\x8a\n" },
		{ "\xed\xa0\x80", "info t: \\xed\\xa0\\x80\n" },
		{ "\xe2\x82", "info t: \\xe2\\x82\n" },
	};
	char out[4096];
	int writes;
	size_t i;

	(void)state;
	log_init("t", LOG_LEVEL_INFO);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		foreign = cases[i].text;
		capture(log_foreign, out, sizeof(out), &writes);
		assert_string_equal(out, cases[i].line);
		assert_int_equal(writes, 1);
	}
}

static void long_lines_are_cut(void **state)
{
	static const char *const fills[] = { "x", "\n", "\xe2\x82\xac" };
	char text[6001], out[8192];
	int writes, i;
	size_t k;

	(void)state;
	log_init("t", LOG_LEVEL_INFO);
	for (i = 0; i < 3; i++) {
		text[0] = '\0';
		for (k = 0; k + strlen(fills[i]) < sizeof(text); k += strlen(fills[i]))
			strcpy(text + k, fills[i]);
		foreign = text;
		capture(log_foreign, out, sizeof(out), &writes);
		assert_int_equal(writes, 1);
		assert_in_range(strlen(out), 1015, 1024);
		assert_string_equal(out + strlen(out) - 4, "...\n");
		for (k = 0; k < strlen(out) - 1; k += utf8_size(out + k, strlen(out + k)))
			assert_int_not_equal(utf8_size(out + k, strlen(out + k)), 0);
	}
}

static void all_levels(void)
{
	log_err("e");
	log_warn("w");
	log_info("i");
	log_debug("d");
}

static void levels(void **state)
{
	char out[256];
	int writes;

	(void)state;
	log_init("t", LOG_LEVEL_INFO);
	capture(all_levels, out, sizeof(out), &writes);
	assert_string_equal(out, "err t: e\nwarn t: w\ninfo t: i\n");
	log_init("t", LOG_LEVEL_DEBUG);
	capture(all_levels, out, sizeof(out), &writes);
	assert_string_equal(out, "err t: e\nwarn t: w\ninfo t: i\ndebug t: d\n");
	assert_int_equal(writes, 4);
}

static void call_die(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		die("no %s", "way");
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void die_exits(void **state)
{
	char out[256];
	int writes;

	(void)state;
	log_init("t", LOG_LEVEL_INFO);
	capture(call_die, out, sizeof(out), &writes);
	assert_string_equal(out, "err t: no way\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(levels),
		cmocka_unit_test(die_exits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
