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

enum { LINES_FREE = SAYING_AHEAD_MS / SAYING_LINE_MS, SLOW_MS = 60000,
       READ_BYTES_MOST = 512 };

static struct world {
	struct loop *loop;
	struct saying saying;
	int write_fd, log_fd, own_stderr;
	const char *unit; /* what it says again and again */
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
	for (size_t i = 0; i <= sizeof(text) / READ_BYTES_MOST; i++)
		w.saying.source.on_event(&w.saying.source, LOOP_READ);
	assert_int_equal(strcspn(logged(), "\n"),
			 strlen("warn netd: gateway of network lab: ") + SAYING_LINE_BYTES);
	assert_int_equal(strlen(seen), strcspn(seen, "\n") + 1);
	assert_non_null(strstr(seen, "x...\n"));
}

static void on_slow(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("it never rests");
}

static void fill_pipe(void)
{
	ssize_t n;

	while ((n = write(w.write_fd, w.unit, strlen(w.unit))) > 0)
		;
	assert_int_equal(n, -1);
}

static void on_look(struct loop_timer *timer)
{
	fill_pipe();
	if (!w.saying.rest.loop)
		loop_timer_set(w.loop, timer, 1);
	else
		loop_stop(w.loop);
}

static unsigned count_logged(void)
{
	unsigned count = 0;

	for (const char *at = logged(); (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

/* The writer is not held up. What is read of it until it rests; lines of the log come back. */
static unsigned flood(const char *unit)
{
	struct loop_timer look = { .on_time = on_look }, slow = { .on_time = on_slow };

	w.unit = unit;
	fill_pipe();
	loop_timer_set(w.loop, &look, 1);
	loop_timer_set(w.loop, &slow, SLOW_MS);
	assert_int_equal(loop_run(w.loop, NULL), 0);
	loop_timer_off(&slow);
	assert_null(w.saying.source.loop);
	return count_logged();
}

/* So many are paid for since start_ms, when each unit costs so much; and one read more. */
static unsigned most(uint64_t start_ms, unsigned unit_ms, size_t unit_bytes)
{
	return (unsigned)((SAYING_AHEAD_MS + time_boot_ms() - start_ms) / unit_ms +
			  READ_BYTES_MOST / unit_bytes + 1);
}

/* Empty ones cost as much, so that to read them is bounded too. */
static void too_much(void **state)
{
	static const char unit[] = "info gated: a\n\n\n\n";
	uint64_t start_ms = time_boot_ms();
	unsigned count = flood(unit);
	unsigned last = READ_BYTES_MOST / (sizeof(unit) - 1) + 1;

	(void)state;
	assert_in_range(count, LINES_FREE / 5,
			most(start_ms, 4 * SAYING_LINE_MS, sizeof(unit) - 1));
	/* Its last words are as dear. */
	saying_close(&w.saying);
	assert_in_range(count_logged(), count,
			most(start_ms, 4 * SAYING_LINE_MS, sizeof(unit) - 1) + last);
}

/* They are on the console, too. */
static void alarms(void **state)
{
	uint64_t start_ms = time_boot_ms();
	unsigned count = flood("err gated: a\n");

	(void)state;
	assert_in_range(count, 1, most(start_ms, SAYING_ALARM_MS, strlen("err gated: a\n")));
}

static void no_line_at_all(void **state)
{
	(void)state;
	assert_int_equal(flood("xxxxxxxx"), 0);
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
		TEST(too_much), TEST(alarms), TEST(no_line_at_all), TEST(the_next_one),
	};

	log_init("netd", LOG_LEVEL_INFO);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("saying", tests, NULL, NULL);
}
