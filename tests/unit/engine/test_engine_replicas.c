/* test_engine_replicas.c - a service of several containers in the engine's loop, against a boxd
 * that answers by a script: who is started, checked, replaced, and who waits for whom. Networks and
 * their draining are shown by tests/system/engine_replicas.sh. */
#include "engine/container.h"
#include "engine/document.h"
#include "tests/unit/engine/world.h"

#define SERVICE "services: {web: {image: lab, network_mode: none, restart: always, "

static void tell_end(const char *name, uint64_t status)
{
	msg_init(&out, WIRE_BOX_EXITED);
	msg_put_str(&out, name);
	msg_put_u64(&out, status);
	msg_put_u64(&out, 0);
	msg_put_str(&out, "no answer");
	assert_int_equal(msg_send(w.peer.fd, &out, NULL), 0);
}

static void wait_for_ms(unsigned ms)
{
	w.awaited = NULL;
	w.ticks = (PATIENCE_MS - ms) / 2;
	loop_timer_set(w.loop, &w.tick, 0);
	loop_run(w.loop, NULL);
	loop_timer_off(&w.tick);
}

/* The next steps have had their time. */
static void wait_a_while(void)
{
	wait_for_ms(50);
}

static void so_many_as_the_file_says(void **state)
{
	(void)state;
	boot_file(SERVICE "scale: 3}}");
	wait_for("LIST;START web-1 lab ");
	wait_for("START web-2 lab ");
	wait_for("START web-3 lab ");
	forget();
	tell_end("web-2", 1);
	wait_for("web-2: ended with status 1\nweb-2: starts again in 100 ms (restart 1)\n");
	wait_for("START web-2 ");
	assert_false(is_there("START web-1"));
}

#define CHECKED                                                                                \
	SERVICE "healthcheck: {test: [CMD, ask], interval: 100ms, retries: 2}}, db: {image: "  \
		"lab, network_mode: none, depends_on: {web: {condition: service_healthy}}}}"

static void health_is_asked_and_waited_for(void **state)
{
	(void)state;
	boot_file(CHECKED);
	wait_for("START web lab ");
	wait_for("EXEC web/health1;");
	assert_false(is_there("START db"));
	tell_end("web/health1", 1);
	wait_for("DELETE web/health1;");
	wait_for("EXEC web/health2;");
	assert_false(is_there("unhealthy"));
	tell_end("web/health2", 1);
	wait_for("web: is unhealthy: its check failed 2 times in a row\nweb said: no answer\n");
	wait_for("EXEC web/health3;");
	assert_false(is_there("START db"));
	tell_end("web/health3", 0);
	wait_for("START db lab ");
	/* Its own end: nobody is asked any more, and an answer that comes late is nobody's. */
	wait_for("EXEC web/health4;");
	tell_end("web", 137);
	tell_end("web/health4", 137);
	wait_for("web: starts again in 100 ms");
	assert_false(is_there("DELETE web/health4"));
	wait_for("EXEC web/health5;");
}

static void check_that_takes_too_long_is_killed(void **state)
{
	(void)state;
	boot_file(SERVICE "healthcheck: {test: ask, interval: 100ms, timeout: 100ms, retries: "
			  "1}}}");
	wait_for("EXEC web/health1;");
	wait_for("KILL web/health1 9;");
	tell_end("web/health1", 137);
	wait_for("web: is unhealthy: its check failed 1 times in a row\n");
	assert_false(is_there("KILL web 9"));
}

static void leftover_check_is_deleted(void **state)
{
	(void)state;
	w.listed = "web/health7 stranger/x";
	boot_file(CHECKED);
	wait_for("DELETE web/health7;");
	wait_for("START web ");
	assert_false(is_there("DELETE stranger/x"));
}

static void one_after_the_other(void **state)
{
	(void)state;
	boot_file(SERVICE "scale: 2}}");
	wait_for("START web-2 lab ");
	wait_a_while();
	kill_engine();
	forget();
	w.listed = "web-1 web-2";
	boot_file(SERVICE "scale: 2, environment: {A: b}}}");
	wait_for("KILL web-2 15;");
	wait_a_while();
	assert_false(is_there("KILL web-1"));
	tell_end("web-2", 143);
	wait_for("DELETE web-2;");
	wait_for("START web-2 ");
	wait_a_while();
	/* It has no check: it counts as working when it has run for a while. */
	assert_false(is_there("KILL web-1"));
	wait_for("KILL web-1 15;");
	tell_end("web-1", 143);
	wait_for("DELETE web-1;");
	wait_for("START web-1 ");
	assert_false(is_there("starts again"));
}

static void successor_that_fails_ends_nobody(void **state)
{
	(void)state;
	boot_file(SERVICE "scale: 2}}");
	wait_for("START web-2 lab ");
	wait_a_while();
	kill_engine();
	forget();
	w.listed = "web-1 web-2";
	boot_file(SERVICE "deploy: {replicas: 2, update_config: {order: start-first}}, "
			  "environment: {A: b}}}");
	wait_for("START web-3 ");
	assert_false(is_there("KILL"));
	for (unsigned i = 1; i < 5; i++) {
		char text[64];

		tell_end("web-3", 1);
		snprintf(text, sizeof(text), "(restart %u)", i);
		wait_for(text);
		forget();
		wait_for("START web-3 ");
	}
	assert_false(is_there("KILL"));
	wait_for("KILL web-2 15;");
}

/* Who is watched for an hour has not shown yet that it works, as it has without that. */
static void successor_is_watched_before_the_next(void **state)
{
	(void)state;
	boot_file(SERVICE "scale: 2}}");
	wait_for("START web-2 lab ");
	wait_a_while();
	kill_engine();
	forget();
	w.listed = "web-1 web-2";
	boot_file(SERVICE "scale: 2, environment: {A: b}, "
			  "deploy: {update_config: {monitor: 1h}}}}");
	wait_for("KILL web-2 15;");
	tell_end("web-2", 0);
	wait_for("START web-2 ");
	wait_for_ms(CONTAINER_SETTLE_MS + 500);
	assert_false(is_there("KILL web-1"));
	kill_engine();
	forget();
	w.listed = "web-1 web-2";
	boot_file(SERVICE "scale: 2, environment: {A: b}, "
			  "deploy: {update_config: {monitor: 1s}}}}");
	wait_for("KILL web-1 15;");
}

static void fewer_and_back_to_one(void **state)
{
	(void)state;
	boot_file(SERVICE "scale: 3}}");
	wait_for("START web-3 lab ");
	wait_a_while();
	kill_engine();
	forget();
	w.listed = "web-1 web-2 web-3";
	boot_file(SERVICE "scale: 2}}");
	wait_for("KILL web-3 15;");
	tell_end("web-3", 0);
	wait_for("DELETE web-3;");
	wait_a_while();
	assert_false(is_there("START"));
	assert_false(is_there("KILL web-2"));
	kill_engine();
	forget();
	w.listed = "web-1 web-2";
	boot_file(SERVICE "stop_grace_period: 1s}}");
	/* Never more than the one that is wanted, but those of before. */
	wait_for("KILL web-2 15;");
	tell_end("web-2", 0);
	wait_for("KILL web-1 15;");
	assert_false(is_there("START"));
	tell_end("web-1", 0);
	wait_for("START web lab ");
}

static void waits_for_a_good_end(void **state)
{
	(void)state;
	boot_file("services: {db: {image: lab, network_mode: none, depends_on: {init: {condition: "
		  "service_completed_successfully}}}, init: {image: lab, network_mode: none}}");
	wait_for("START init lab ");
	assert_false(is_there("START db"));
	tell_end("init", 0);
	wait_for("START db lab ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(so_many_as_the_file_says),
		TEST(health_is_asked_and_waited_for),
		TEST(check_that_takes_too_long_is_killed),
		TEST(leftover_check_is_deleted),
		TEST(one_after_the_other),
		TEST(successor_that_fails_ends_nobody),
		TEST(successor_is_watched_before_the_next),
		TEST(fewer_and_back_to_one),
		TEST(waits_for_a_good_end),
	};

	/* As in test_engine.c. */
	setenv("CUVETTE_FDS", "notify", 1);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < NOTIFY_FD)
		;
	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("engine_replicas", tests, NULL, NULL);
}
