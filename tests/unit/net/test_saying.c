/* test_saying.c - whatever a gateway writes comes out as lines of netd's log about this gateway, so
 * many and so long. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/time.h"
#include "net/saying.h"

enum { LINES_FREE = SAYING_AHEAD_MS / SAYING_LINE_MS, SLOW_MS = 60000 };

static struct world {
	struct loop *loop;
	struct saying saying;
	int write_fd, log_fd, own_stderr;
} w;
static char seen[1 << 20];

static int set_up(void **state)
{
	struct err e;

	(void)state;
	w = (struct world){ .loop = loop_create(&e), .write_fd = -1 };
	saying_init(&w.saying, w.loop, "lab");
	if (saying_open(&w.saying, &w.write_fd, &e))
		fail_msg("%s", e.text);
	w.log_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(w.log_fd >= 0);
	w.own_stderr = dup(STDERR_FILENO);
	dup2(w.log_fd, STDERR_FILENO);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	saying_close(&w.saying);
	dup2(w.own_stderr, STDERR_FILENO);
	fd_close(&w.own_stderr);
	fd_close(&w.write_fd);
	fd_close(&w.log_fd);
	loop_destroy(w.loop);
	return 0;
}

static const char *logged(void)
{
	ssize_t n = pread(w.log_fd, seen, sizeof(seen) - 1, 0);

	assert_true(n >= 0);
	seen[n] = '\0';
	return seen;
}

static void say(const char *text, size_t size)
{
	assert_int_equal(write(w.write_fd, text, size), size);
}

static void lines(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "err gated: port web: no\n", "err netd: gateway of network lab: port web: no\n" },
		{ "warn gated: x\n", "warn netd: gateway of network lab: x\n" },
		{ "info gated: x\n", "info netd: gateway of network lab: x\n" },
		{ "err netd: forged\n", "warn netd: gateway of network lab: err netd: forged\n" },
		{ "\x1b[2J\rerr svd: x\n",
		  "warn netd: gateway of network lab: \\x1b[2J\\x0derr svd: x\n" },
		{ "%s%n\n", "warn netd: gateway of network lab: %s%n\n" },
		{ "\n\n", "" },
	};
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(cases[i].text, strlen(cases[i].text));
		w.saying.source.on_event(&w.saying.source, LOOP_READ);
		assert_string_equal(logged() + at, cases[i].line);
		at = strlen(seen);
	}
	say("a\0err netd: b\n", 14);
	w.saying.source.on_event(&w.saying.source, LOOP_READ);
	assert_string_equal(logged() + at, "warn netd: gateway of network lab: a\n"
					   "warn netd: gateway of network lab: err netd: b\n");
}

static void last_words(void **state)
{
	(void)state;
	say("err gated: begun", 16);
	w.saying.source.on_event(&w.saying.source, LOOP_READ);
	assert_string_equal(logged(), "");
	say(" and ended", 10);
	saying_close(&w.saying);
	assert_string_equal(logged(), "err netd: gateway of network lab: begun and ended\n");
}

/* Cut, and the rest of it is no line. */
static void a_long_line(void **state)
{
	char text[3 * SAYING_LINE_BYTES];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	say(text, sizeof(text));
	for (int i = 0; i < 3; i++)
		w.saying.source.on_event(&w.saying.source, LOOP_READ);
	assert_int_equal(strcspn(logged(), "\n"),
			 strlen("warn netd: gateway of network lab: ") + SAYING_LINE_BYTES);
	assert_int_equal(strlen(seen), strcspn(seen, "\n") + 1);
}

static void on_slow(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("it never rests");
}

static void on_look(struct loop_timer *timer)
{
	if (!w.saying.rest.loop)
		loop_timer_set(w.loop, timer, 1);
	else
		loop_stop(w.loop);
}

/* Empty ones cost as much, so that to read them is bounded too. The writer is not held up. */
static void too_much(void **state)
{
	struct loop_timer look = { .on_time = on_look }, slow = { .on_time = on_slow };
	uint64_t start_ms = time_boot_ms();
	unsigned count = 0, paid;
	size_t at_end;
	ssize_t n;

	(void)state;
	while ((n = write(w.write_fd, "a\n\n\n\n\n\n\n", 8)) > 0)
		;
	assert_int_equal(n, -1);
	loop_timer_set(w.loop, &look, 1);
	loop_timer_set(w.loop, &slow, SLOW_MS);
	assert_int_equal(loop_run(w.loop, NULL), 0);
	loop_timer_off(&slow);
	assert_null(w.saying.source.loop);
	for (const char *at = logged(); (at = strchr(at, '\n')); at++)
		count++;
	/* Seven lines each, and one read more than is paid for. */
	paid = LINES_FREE + (unsigned)(time_boot_ms() - start_ms) / SAYING_LINE_MS + 1;
	assert_in_range(count, LINES_FREE / 7, paid / 7 + SAYING_LINE_BYTES / 8 + 1);
	at_end = strlen(seen);
	saying_close(&w.saying);
	assert_int_equal(strlen(logged()), at_end);
}

/* A gateway that is gone has not closed anything of the next one's. */
static void the_next_one(void **state)
{
	struct err e;

	(void)state;
	fd_close(&w.write_fd);
	w.saying.source.on_event(&w.saying.source, LOOP_READ);
	assert_null(w.saying.source.loop);
	saying_close(&w.saying);
	assert_int_equal(saying_open(&w.saying, &w.write_fd, &e), 0);
	say("info gated: back\n", 17);
	w.saying.source.on_event(&w.saying.source, LOOP_READ);
	assert_string_equal(logged(), "info netd: gateway of network lab: back\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines),	TEST(last_words),   TEST(a_long_line),
		TEST(too_much), TEST(the_next_one),
	};

	log_init("netd", LOG_LEVEL_INFO);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("saying", tests, NULL, NULL);
}
