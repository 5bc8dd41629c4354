/* test_tcp_window.c - how far the container may be ahead, and in which steps it is told. */
#include "tests/unit/gate/tcp_world.h"

enum { LARGE = 30000 }; /* a piece of the wire */

/* Who is gone takes no part of the window, whichever second it moved its bytes in. */
static void test_short_connections(void **state)
{
	struct tcp_windows *windows;
	struct world w;

	(void)state;
	begin(&w);
	windows = &w.tcp->windows;
	for (int seconds = 0; seconds < 4; seconds++) {
		for (int i = 0; i < seconds; i++) {
			windows->timer.on_time(&windows->timer);
			assert_int_equal(windows->active_before, i < 2);
			/* It rests in the ones after the first. */
			if (i < 1)
				assert_true(say_data(&w, SEGMENT));
		}
		reset(&w);
		assert_null(w.tcp->all);
		assert_int_equal(windows->active, 0);
		assert_int_equal(windows->active_before, 0);
		open_connection(&w);
		assert_int_equal(windows->active, 1);
	}
	finish(&w);
}

/* Ticks and seconds end steps, too: here none comes unasked, however long this process is not let
 * run. */
static void stop_clocks(struct world *w)
{
	loop_timer_set(w->loop, &w->turn, 0);
	while (w->turn.next)
		loop_timer_off(w->turn.next);
}

/* The server reads it at once: true when the window moved. */
static bool passes(struct world *w)
{
	static uint8_t got[SEGMENT];
	uint32_t edge = w->edge;
	size_t sum = 0;
	ssize_t n;

	say(w, PACKET_ACKED, STEP);
	w->ours += STEP;
	stop_clocks(w);
	for (int i = 0; i < TURNS_MAX && sum < STEP; turn(w), i++)
		if ((n = recv(w->server, got, sizeof(got), MSG_DONTWAIT)) > 0)
			sum += (size_t)n;
	assert_int_equal(sum, STEP);
	return w->edge != edge;
}

/* One of many that fill their windows is told rarely, until it was found to wait for that. */
static void test_steps_of_many(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.tcp->windows.active_before = 1000;
	for (int i = 1; i < 2 * STEPS; i++)
		assert_int_equal(passes(&w), i <= STEPS || i == 2 * STEPS - 1);
	assert_false(passes(&w));
	assert_int_not_equal(w.acked, w.ours);
	lwip_stack_tick(w.tcp->lwip);
	assert_int_equal(w.acked, w.ours);
	assert_true(passes(&w));
	finish(&w);
}

/* Of large pieces one is always left, or the container would wait until its timer sends less. */
static void test_steps_of_large(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.tcp->windows.active_before = 1000;
	for (int i = 1; i <= STEPS; i++)
		assert_true(passes(&w));
	w.tcp->all->conn.wire_bytes = LARGE;
	for (int i = 0; i < 2 * STEPS; i++) {
		passes(&w);
		assert_true(w.edge - w.ours >= LARGE);
	}
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_connections),
		cmocka_unit_test(test_steps_of_many),
		cmocka_unit_test(test_steps_of_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
