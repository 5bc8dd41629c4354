/* test_loop.c - sources, timers and signals, and what happens to them inside callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/time.h"

static struct loop *loop;
static char story[256];

static void tell(const char *word)
{
	strncat(story, word, sizeof(story) - strlen(story) - 1);
}

static int setup(void **state)
{
	struct err e;

	(void)state;
	story[0] = '\0';
	loop = loop_create(&e);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_destroy(loop);
	loop_destroy(NULL);
	return 0;
}

struct peer {
	struct loop_source source;
	struct loop_timer timer;
	struct peer *other;
	int far_fd; /* what is written here becomes readable in source */
	const char *name;
};

static void peer_open(struct peer *p, const char *name)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*p = (struct peer){ .source.fd = ends[0], .far_fd = ends[1], .name = name };
}

static void peer_close(struct peer *p)
{
	loop_remove(&p->source);
	fd_close(&p->source.fd);
	fd_close(&p->far_fd);
}

static void run(void)
{
	struct err e;

	assert_int_equal(loop_run(loop, &e), 0);
}

static void on_read(struct loop_source *source, unsigned events)
{
	struct peer *p = owner_of(source, struct peer, source);
	char text[16];
	ssize_t n;

	if (events & LOOP_WRITE) {
		struct err e;

		tell("w");
		assert_int_equal(loop_change(source, LOOP_READ, &e), 0);
	}
	if (events & LOOP_READ) {
		n = read(source->fd, text, sizeof(text) - 1);
		assert_true(n >= 0);
		text[n] = '\0';
		tell(p->name);
		tell(n ? text : "(end)");
	}
	if (events & LOOP_HANGUP) {
		tell("(hangup)");
		loop_remove(source);
		loop_stop(loop);
	}
}

static void events(void **state)
{
	struct peer p;
	struct err e;

	(void)state;
	peer_open(&p, "a:");
	p.source.on_event = on_read;
	assert_int_equal(loop_add(loop, &p.source, LOOP_READ | LOOP_WRITE, &e), 0);
	assert_int_equal(loop_add(loop, &p.source, LOOP_READ, &e), -1);
	assert_int_equal(write(p.far_fd, "hello", 5), 5);
	fd_close(&p.far_fd);
	run();
	assert_string_equal(story, "wa:hello(hangup)");
	assert_int_equal(loop_change(&p.source, LOOP_READ, &e), -1);
	peer_close(&p);
}

static void remove_other(struct loop_source *source, unsigned events)
{
	struct peer *p = owner_of(source, struct peer, source);
	char byte;

	(void)events;
	assert_int_equal(read(source->fd, &byte, 1), 1);
	tell(p->name);
	loop_remove(&p->other->source);
	loop_stop(loop);
}

static void removed_source_is_silent(void **state)
{
	struct peer a, b;
	struct err e;

	(void)state;
	peer_open(&a, "a");
	peer_open(&b, "b");
	a.other = &b;
	b.other = &a;
	a.source.on_event = b.source.on_event = remove_other;
	assert_int_equal(loop_add(loop, &a.source, LOOP_READ, &e), 0);
	assert_int_equal(loop_add(loop, &b.source, LOOP_READ, &e), 0);
	assert_int_equal(write(a.far_fd, "x", 1), 1);
	assert_int_equal(write(b.far_fd, "x", 1), 1);
	run();
	/* Both were ready in one batch; the first to run silenced the other. */
	assert_int_equal(strlen(story), 1);
	peer_close(&a);
	peer_close(&b);
}

static void stop_now(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void readd_other(struct loop_source *source, unsigned events)
{
	struct peer *p = owner_of(source, struct peer, source);
	struct err e;

	(void)events;
	tell(p->name);
	loop_remove(source);
	/* The other one is back with a quiet fd: its event of this batch belongs to the past. */
	loop_remove(&p->other->source);
	fd_close(&p->other->source.fd);
	fd_close(&p->other->far_fd);
	peer_open(p->other, "late");
	p->other->source.on_event = readd_other;
	assert_int_equal(loop_add(loop, &p->other->source, LOOP_READ, &e), 0);
}

static void readded_source_hears_no_old_event(void **state)
{
	struct loop_timer timer = { .on_time = stop_now };
	struct peer a, b;
	struct err e;

	(void)state;
	peer_open(&a, "a");
	peer_open(&b, "b");
	a.other = &b;
	b.other = &a;
	a.source.on_event = b.source.on_event = readd_other;
	assert_int_equal(loop_add(loop, &a.source, LOOP_READ, &e), 0);
	assert_int_equal(loop_add(loop, &b.source, LOOP_READ, &e), 0);
	assert_int_equal(write(a.far_fd, "x", 1), 1);
	assert_int_equal(write(b.far_fd, "x", 1), 1);
	loop_timer_set(loop, &timer, 20);
	run();
	assert_int_equal(strlen(story), 1);
	peer_close(&a);
	peer_close(&b);
}

static void tell_timer(struct loop_timer *timer)
{
	struct peer *p = owner_of(timer, struct peer, timer);

	tell(p->name);
	if (p->other)
		loop_timer_off(&p->other->timer);
	if (p->name[0] == 'z')
		loop_stop(loop);
}

static void timers_in_order(void **state)
{
	struct peer a = { .timer.on_time = tell_timer, .name = "a" },
		    b = { .timer.on_time = tell_timer, .name = "b" };
	struct peer c = { .timer.on_time = tell_timer, .name = "c" },
		    z = { .timer.on_time = tell_timer, .name = "z" };
	uint64_t start_ns = time_boot_ns();

	(void)state;
	loop_timer_off(&a.timer);
	loop_timer_set(loop, &z.timer, 30);
	loop_timer_set(loop, &c.timer, 20);
	loop_timer_set(loop, &a.timer, UINT64_MAX);
	loop_timer_set(loop, &a.timer, 0); /* moved */
	loop_timer_set(loop, &b.timer, 10);
	run();
	assert_string_equal(story, "abcz");
	assert_true(time_boot_ns() - start_ns >= 30000000);
}

static void timer_off_in_a_callback(void **state)
{
	struct peer b = { .timer.on_time = tell_timer, .name = "b" };
	struct peer a = { .timer.on_time = tell_timer, .name = "a", .other = &b };
	struct peer z = { .timer.on_time = tell_timer, .name = "z" };

	(void)state;
	loop_timer_set(loop, &a.timer, 0);
	loop_timer_set(loop, &b.timer, 0);
	loop_timer_set(loop, &z.timer, 5);
	run();
	assert_string_equal(story, "az");
}

static int rounds;

static void again(struct loop_timer *timer)
{
	rounds++;
	loop_timer_set(loop, timer, 0);
}

static void restless_timer_starves_nobody(void **state)
{
	struct loop_timer timer = { .on_time = again };
	struct peer p;
	struct err e;

	(void)state;
	peer_open(&p, "p:");
	p.source.on_event = on_read;
	assert_int_equal(loop_add(loop, &p.source, LOOP_READ, &e), 0);
	loop_timer_set(loop, &timer, 0);
	fd_close(&p.far_fd);
	run();
	assert_string_equal(story, "p:(end)(hangup)");
	peer_close(&p);
}

static uint64_t fired_ns;

static void fire(struct loop_timer *timer)
{
	(void)timer;
	fired_ns = time_boot_ns();
	loop_stop(loop);
}

static void timers_are_never_early(void **state)
{
	struct loop_timer timer = { .on_time = fire }, restless = { .on_time = again };
	uint64_t set_ns;
	int i;

	(void)state;
	/* From any place within a millisecond, and awake all the time: the clock is rounded. */
	loop_timer_set(loop, &restless, 0);
	for (i = 0; i < 40; i++) {
		set_ns = time_boot_ns();
		loop_timer_set(loop, &timer, 1);
		run();
		assert_true(fired_ns - set_ns >= 1000000);
	}
}

static void on_signal(void *ctx, int number)
{
	tell(ctx);
	tell(number == SIGUSR1 ? "1" : "2");
	if (number == SIGUSR2)
		loop_stop(loop);
}

static void signals(void **state)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2, 0 };
	char word[] = "s";
	struct err e;

	(void)state;
	assert_int_equal(loop_signals(loop, numbers, on_signal, word, &e), 0);
	assert_int_equal(loop_signals(loop, numbers, on_signal, word, &e), -1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	run();
	assert_string_equal(story, "s1s2");
}

static void stop_before_run(void **state)
{
	(void)state;
	loop_stop(loop);
	run();
}

static void cannot_watch(void **state)
{
	struct loop_source source = { .fd = 1000, .on_event = on_read };
	struct err e;

	(void)state;
	loop_remove(&source);
	assert_int_equal(loop_add(loop, &source, LOOP_READ, &e), -1);
	assert_int_equal(e.number, EBADF);
	loop_remove(&source);
}

enum { ANSWERS = 2000 };

static unsigned answers;

static void on_answer(struct loop_source *source, unsigned events)
{
	struct peer *p = owner_of(source, struct peer, source);
	char byte;

	(void)events;
	assert_int_equal(read(source->fd, &byte, 1), 1);
	loop_hurry(loop);
	if (++answers < ANSWERS)
		assert_int_equal(write(p->far_fd, "b", 1), 1);
}

static void on_last(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static uint64_t used_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* All answers come; when there are no more of them the loop sleeps until its timer is due. */
static void hurries_and_sleeps(void **state)
{
	struct peer p;
	struct err e;
	uint64_t before_ns;

	(void)state;
	answers = 0;
	peer_open(&p, "");
	p.source.on_event = on_answer;
	p.timer.on_time = on_last;
	assert_int_equal(loop_add(loop, &p.source, LOOP_READ, &e), 0);
	assert_int_equal(write(p.far_fd, "a", 1), 1);
	loop_timer_set(loop, &p.timer, 500);
	before_ns = used_ns();
	assert_false(loop_hurries(loop));
	run();
	assert_int_equal(answers, ANSWERS);
	assert_false(loop_hurries(loop));
	loop_hurry(loop);
	assert_true(loop_hurries(loop));
	assert_true(used_ns() - before_ns < 250000000);
	peer_close(&p);
}

#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(events),
		LOOP_TEST(removed_source_is_silent),
		LOOP_TEST(readded_source_hears_no_old_event),
		LOOP_TEST(timers_in_order),
		LOOP_TEST(timer_off_in_a_callback),
		LOOP_TEST(restless_timer_starves_nobody),
		LOOP_TEST(timers_are_never_early),
		LOOP_TEST(signals),
		LOOP_TEST(stop_before_run),
		LOOP_TEST(cannot_watch),
		LOOP_TEST(hurries_and_sleeps),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
