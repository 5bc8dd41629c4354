/* test_loop_lane.c - lanes have their turns, however many of their sources wait. Each callback here
 * works for longer than a turn is counted, so the order is the same on any machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/time.h"

/* WORK_NS: what a turn costs at most (turn.c). MANY: more than the loop asks for at once. LATE_MAX:
 * as many as a turn takes when the loop is quiet (loop.c). */
enum { WORK_NS = 100 * 1000, MANY = 200, TURNS = 300, EACH = 10, LATE_MAX = 5 };

struct source {
	struct loop_source source;
	int handled;
};

static struct loop *loop;
static struct loop_lane *hogs_lane, *other_lane;
static struct source hog[MANY], other;
static int of_hogs, of_other, woken_at, at_once;

static void work(void)
{
	uint64_t start_ns = time_boot_ns();

	while (time_boot_ns() - start_ns < WORK_NS)
		;
}

static void open_source(struct source *s, struct loop_lane *lane, loop_source_fn *fn, int ready)
{
	struct err e;

	*s = (struct source){ .source = { .on_event = fn, .lane = lane } };
	s->source.fd = eventfd((unsigned)ready, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(s->source.fd >= 0);
	assert_int_equal(loop_add(loop, &s->source, LOOP_READ, &e), 0);
}

static void close_source(struct source *s)
{
	loop_remove(&s->source);
	fd_close(&s->source.fd);
}

static int setup(void **state)
{
	struct err e;

	(void)state;
	loop = loop_create(&e);
	hogs_lane = loop_lane_create(loop, &e);
	other_lane = loop_lane_create(loop, &e);
	of_hogs = of_other = woken_at = at_once = 0;
	return hogs_lane && other_lane ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++)
		close_source(&hog[i]);
	close_source(&other);
	loop_lane_destroy(hogs_lane);
	loop_lane_destroy(other_lane);
	loop_lane_destroy(NULL);
	loop_destroy(loop);
	return 0;
}

/* They stay ready: nothing is read. */
static void on_busy(struct loop_source *source, unsigned events)
{
	struct source *s = owner_of(source, struct source, source);

	(void)events;
	work();
	s->handled++;
	*(s == &other ? &of_other : &of_hogs) += 1;
	if (of_hogs + of_other == TURNS || of_hogs == 2 * MANY)
		loop_stop(loop);
}

static void run(void)
{
	struct err e;

	assert_int_equal(loop_run(loop, &e), 0);
}

/* Two hundred that are ready all the time have no more than the one of another lane; without lanes
 * it would be a hundred times as much. */
static void one_of_a_lane_is_as_much_as_many(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++)
		open_source(&hog[i], hogs_lane, on_busy, 1);
	open_source(&other, other_lane, on_busy, 1);
	run();
	assert_in_range(of_other, TURNS / 2 - 1, TURNS / 2 + 1);
}

static void within_a_lane_all_are_handled(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++)
		open_source(&hog[i], hogs_lane, on_busy, 1);
	open_source(&other, NULL, on_busy, 1);
	for (of_hogs = 0; of_hogs < 2 * MANY;) {
		of_other = -TURNS * MANY; /* the hogs' number ends it */
		run();
	}
	for (int i = 0; i < MANY; i++)
		assert_in_range(hog[i].handled, 1, 3);
	assert_true(other.handled > MANY);
}

/* It is woken by a hog's callback, as by a packet that comes meanwhile. */
static void on_hog(struct loop_source *source, unsigned events)
{
	static const uint64_t one = 1;

	(void)source;
	(void)events;
	work();
	if (++of_hogs % EACH == 0 && of_hogs <= TURNS) {
		woken_at = of_hogs;
		assert_int_equal(write(other.source.fd, &one, sizeof(one)), sizeof(one));
	}
}

static void on_other(struct loop_source *source, unsigned events)
{
	uint64_t number;

	(void)events;
	assert_int_equal(read(source->fd, &number, sizeof(number)), sizeof(number));
	assert_in_range(of_hogs, woken_at, woken_at + LATE_MAX);
	at_once += of_hogs == woken_at;
	if (++of_other == TURNS / EACH)
		loop_stop(loop);
}

/* Mostly before any other hog. Now and then the machine gives us no CPU for so long that the hogs
 * seem to be alone, which makes one turn longer. */
static void who_comes_now_and_then_is_next(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++)
		open_source(&hog[i], hogs_lane, on_hog, 1);
	open_source(&other, other_lane, on_other, 0);
	run();
	assert_int_equal(of_other, TURNS / EACH);
	assert_true(at_once >= of_other / 2);
}

static void on_time(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void remove_all(struct loop_source *source, unsigned events)
{
	static struct loop_timer timer = { .on_time = on_time };

	(void)source;
	(void)events;
	for (int i = 0; i < MANY; i++)
		loop_remove(&hog[i].source);
	of_hogs++;
	loop_timer_set(loop, &timer, 20);
}

static void removed_source_of_a_lane_is_silent(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++)
		open_source(&hog[i], hogs_lane, remove_all, 1);
	open_source(&other, other_lane, on_other, 0);
	run();
	assert_int_equal(of_hogs, 1);
}

static void quiet_while_alone(void **state)
{
	(void)state;
	assert_true(loop_is_quiet(loop));
	for (int i = 0; i < MANY; i++)
		open_source(&hog[i], hogs_lane, on_busy, 1);
	open_source(&other, other_lane, on_busy, 0);
	run();
	assert_true(loop_is_quiet(loop));
}

#define LANE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LANE_TEST(one_of_a_lane_is_as_much_as_many),
		LANE_TEST(within_a_lane_all_are_handled),
		LANE_TEST(who_comes_now_and_then_is_next),
		LANE_TEST(removed_source_of_a_lane_is_silent),
		LANE_TEST(quiet_while_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
