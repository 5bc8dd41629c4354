/* test_engine_stop.c - how long a machine that stops waits for its containers: by a clock of the
 * test's own, which stands in place of lib/time.c. */
#include <time.h>

#include "lib/time.h"
#include "tests/unit/engine/world.h"

static uint64_t ahead_ms; /* of the machine's clock */

uint64_t time_boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec + ahead_ms * 1000000;
}

uint64_t time_boot_ms(void)
{
	return time_boot_ns() / 1000000;
}

int64_t time_wall_s(void)
{
	return time(NULL);
}

void time_rfc3339_now(char out_text[TIME_RFC3339_BYTES])
{
	strcpy(out_text, "2026-11-20T11:30:00.123456789Z");
}

/* Everything that is due by then is done. */
static void pass(uint64_t ms)
{
	ahead_ms += ms;
	w.awaited = NULL;
	w.ticks = PATIENCE_MS / 2 - 10;
	loop_timer_set(w.loop, &w.tick, 0);
	loop_run(w.loop, NULL);
	loop_timer_off(&w.tick);
}

static void boot_web(const char *scale)
{
	struct err e = { .text = "" };
	char text[256];

	snprintf(text, sizeof(text),
		 "services: {web: {image: lab, network_mode: none, scale: %s, stop_grace_period: "
		 "1h}}", scale);
	w.files.compose_fd = memory_file(text);
	w.engine = engine_create(w.loop, &w.report, &w.files);
	if (engine_load(w.engine, &e) < 0)
		fail_msg("%s", e.text);
	engine_start(w.engine);
}

static void nobody_is_waited_for_longer_than_10_s(void **state)
{
	(void)state;
	boot_web("2");
	wait_for("START web-2 ");
	pass(0);
	kill_engine();
	forget();
	w.listed = "web-1 web-2";
	boot_web("1");
	wait_for("LIST;");
	pass(3000);	/* the one that stays has shown that it works */
	wait_for("KILL web-2 15;");
	pass(60000);
	assert_false(is_there("KILL web-2 9;"));	/* it has the hour of the file */
	engine_stop(w.engine);
	wait_for("KILL web-1 15;");
	pass(9500);
	assert_false(is_there(" 9;"));
	pass(500);
	wait_for("KILL web-1 9;");
	wait_for("KILL web-2 9;");	/* who was ending already, too */
	/* Even who cannot be killed does not keep the machine. */
	ahead_ms += 1000;
	w.awaited = "nothing";
	w.ticks = 0;
	loop_timer_set(w.loop, &w.tick, 0);
	assert_int_equal(loop_run(w.loop, NULL), 0);
	assert_true(w.ticks * 2 < PATIENCE_MS);
	loop_timer_off(&w.tick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_is_waited_for_longer_than_10_s, set_up,
						tear_down),
	};

	/* As in test_engine.c. */
	setenv("CUVETTE_FDS", "notify", 1);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < NOTIFY_FD)
		;
	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("engine_stop", tests, NULL, NULL);
}
