/* test_bulk.c - when a stream is in full flow, what it is woken for then, and what a sweep reads.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/bulk.h"
#include "lib/err.h"

static struct loop *loop;
static struct bulk bulk;
static int fds[2];

static struct watched {
	struct bulk_way way;
	unsigned sweeps, stop_at;
	struct watched *ends; /* with the first sweep */
} ways[3];

static int wakes_for(int fd)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, &size), 0);
	return bytes;
}

static void on_sweep(struct bulk_way *way)
{
	struct watched *w = owner_of(way, struct watched, way);

	if (w->ends)
		bulk_leave(&bulk, &w->ends->way);
	if (++w->sweeps == w->stop_at)
		loop_stop(loop);
}

static int set_up(void **state)
{
	struct err e;
	int i;

	(void)state;
	loop = loop_create(&e);
	bulk_init(&bulk, loop, 1);
	memset(ways, 0, sizeof(ways));
	for (i = 0; i < 3; i++)
		ways[i].way.on_sweep = on_sweep;
	return loop && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		bulk_leave(&bulk, &ways[i].way);
	loop_destroy(loop);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void begins_and_ends(void **state)
{
	struct bulk_way *way = &ways[0].way;

	(void)state;
	bulk_moved(&bulk, way, fds[0], 0);
	bulk_moved(&bulk, way, fds[0], BULK_FROM_BYTES - 1);
	assert_false(bulk_has(way));
	assert_int_equal(wakes_for(fds[0]), 1);
	bulk_moved(&bulk, way, fds[0], 1);
	assert_true(bulk_has(way));
	assert_int_equal(wakes_for(fds[0]), BULK_WAKE_BYTES);
	bulk_moved(&bulk, way, fds[0], UINT64_MAX);
	bulk_leave(&bulk, way);
	assert_false(bulk_has(way));
	assert_int_equal(wakes_for(fds[0]), 1);
	/* From the beginning again, and a long way at once is one too. */
	bulk_moved(&bulk, way, fds[0], BULK_FROM_BYTES - 1);
	assert_false(bulk_has(way));
	bulk_leave(&bulk, way);
	bulk_moved(&bulk, way, fds[0], UINT64_MAX);
	assert_true(bulk_has(way));
}

/* Nothing comes any more: it is looked after until it counts as ended, and no longer. */
static void rests(void **state)
{
	struct err e;

	(void)state;
	bulk_moved(&bulk, &ways[0].way, fds[0], BULK_FROM_BYTES);
	ways[0].stop_at = BULK_REST_MS / BULK_SWEEP_MS;
	assert_int_equal(loop_run(loop, &e), 0);
	assert_false(bulk_has(&ways[0].way));
	assert_int_equal(wakes_for(fds[0]), 1);
	assert_null(bulk.sweep.loop);
}

static void moves_on(struct loop_timer *timer)
{
	bulk_moved(&bulk, &ways[1].way, fds[1], BULK_WAKE_BYTES);
	loop_timer_set(loop, timer, 0);
}

/* One that moves is left alone by the sweeps, however long, beside one that stands still. */
static void sweeps_the_still(void **state)
{
	struct loop_timer busy = { .on_time = moves_on };
	struct err e;

	(void)state;
	bulk_moved(&bulk, &ways[0].way, fds[0], BULK_FROM_BYTES);
	bulk_moved(&bulk, &ways[1].way, fds[1], BULK_FROM_BYTES);
	loop_timer_set(loop, &busy, 0);
	ways[0].stop_at = BULK_REST_MS / BULK_SWEEP_MS;
	assert_int_equal(loop_run(loop, &e), 0);
	assert_false(bulk_has(&ways[0].way));
	assert_true(bulk_has(&ways[1].way));
	/* Now and then this process itself has a pause. */
	assert_in_range(ways[1].sweeps, 0, ways[0].sweeps / 2);
	loop_timer_off(&busy);
}

/* Whatever a sweep does: each of the others has its turn, once, and who has left none. */
static void ends_another(void **state)
{
	struct err e;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		bulk_moved(&bulk, &ways[i].way, fds[0], BULK_FROM_BYTES);
	ways[2].ends = &ways[1]; /* the last to come is the first of the list */
	ways[0].stop_at = 2;
	assert_int_equal(loop_run(loop, &e), 0);
	assert_int_equal(ways[1].sweeps, 0);
	assert_in_range(ways[2].sweeps, 2, 3);
	assert_true(bulk_has(&ways[0].way));
	assert_true(bulk_has(&ways[2].way));
	assert_false(bulk_has(&ways[1].way));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(begins_and_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sweeps_the_still, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends_another, set_up, tear_down),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
