/* test_dns_log.c - lines of the log of questions, and what is said of those that nobody had room
 * for. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/address.h"
#include "gate/dns_log.h"
#include "gate/dns_message.h"
#include "gate/dns_name.h"
#include "gate/dns_records.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"

enum { QUESTIONS = 1000, INTERVAL_MS = 1 };

/* stderr is a pipe as netd gives one, which nobody empties. */
static struct world {
	struct loop *loop;
	struct dns_log *log;
	int read_fd, own_stderr;
} w;
static char seen[1 << 18];

static int set_up(void **state)
{
	struct err e;
	int ends[2];

	(void)state;
	w.loop = loop_create(&e);
	w.log = dns_log_create(w.loop, INTERVAL_MS);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	w.own_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	fd_close(&ends[1]);
	w.read_fd = ends[0];
	log_init("gated", LOG_LEVEL_INFO);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dns_log_destroy(w.log);
	dup2(w.own_stderr, STDERR_FILENO);
	fd_close(&w.own_stderr);
	fd_close(&w.read_fd);
	loop_destroy(w.loop);
	return 0;
}

/* All that is in the pipe. */
static const char *drain(void)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(w.read_fd, seen + used, sizeof(seen) - 1 - used)) > 0)
		used += (size_t)n;
	seen[used] = '\0';
	return seen;
}

static int lines(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void ask(const char *container, const char *name, int addresses)
{
	struct dns_question q = { .type = DNS_TYPE_A, .class = 1 };
	struct dns_record r = { .section = DNS_ANSWER, .type = DNS_TYPE_A, .class = 1,
				.data_bytes = 4 };
	uint8_t bytes[4] = { 192, 0, 2, 0 };
	struct dns_reply reply;

	assert_true(dns_name_parse(name, &q.name));
	dns_reply_init(&reply);
	r.name = q.name;
	r.data = bytes;
	for (; bytes[3] < addresses; bytes[3]++)
		assert_true(dns_records_add(&reply.records, &r));
	dns_log_question(w.log, container, &q, "cache", &reply);
	dns_reply_finish(&reply);
}

/* Until the log's own timer, which was set before, has had its time. */
static void stop(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(w.loop);
}

static void interval_passes(void)
{
	struct loop_timer timer = { .on_time = stop };
	struct err e;

	loop_timer_set(w.loop, &timer, INTERVAL_MS + 1);
	assert_int_equal(loop_run(w.loop, &e), 0);
}

static void a_line_says_all(void **state)
{
	(void)state;
	ask("web", "example.org", 2);
	assert_string_equal(drain(), "info gated: dns container=web type=A by=cache answer=NOERROR "
				     "address=192.0.2.0,192.0.2.1 question=example.org\n");
	ask(NULL, "nobody.test", 0);
	assert_string_equal(drain(), "info gated: dns container=- type=A by=cache answer=NOERROR "
				     "question=nobody.test\n");
	/* No more than eight, and a name cannot forge a line. */
	ask("web", "x.org", 20);
	assert_non_null(strstr(drain(), ",192.0.2.7 question="));
	interval_passes();
	assert_string_equal(drain(), "");
}

/* With lines that are shorter than the one about those that were lost: where none of them fits, it
 * does not. */
static void fill(void)
{
	for (int i = 0; i < QUESTIONS; i++)
		ask("w", "a.b", 0);
}

static void what_is_lost_is_counted(void **state)
{
	char want[128];
	int kept;

	(void)state;
	fill();
	kept = lines(drain());
	assert_in_range(kept, 1, QUESTIONS - 1);
	interval_passes();
	snprintf(want, sizeof(want),
		 "info gated: dns lost=%d: so many lines of the log of questions had no room\n",
		 QUESTIONS - kept);
	assert_string_equal(drain(), want);
	/* Once: there is nothing more to say. */
	interval_passes();
	ask("web", "example.org", 0);
	assert_int_equal(lines(drain()), 1);
	assert_null(strstr(seen, "lost"));
}

/* A flood that takes all room again at once does not keep it from being said. */
static void it_comes_before_the_next_line(void **state)
{
	int kept, lost;

	(void)state;
	fill();
	interval_passes();
	interval_passes();
	fill();
	kept = lines(drain());
	assert_null(strstr(seen, "lost"));
	fill();
	assert_int_equal(sscanf(drain(), "info gated: dns lost=%d:", &lost), 1);
	assert_int_equal(lost, 2 * QUESTIONS - kept);
	kept = lines(seen) - 1;
	dns_log_destroy(w.log);
	w.log = NULL;
	assert_int_equal(sscanf(drain(), "info gated: dns lost=%d:", &lost), 1);
	assert_int_equal(lost, QUESTIONS - kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_says_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_lost_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_comes_before_the_next_line, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
