/* test_replicas.c - replicas, health checks and dependencies of a compose file: what each key
 * becomes. The mistakes stand in test_compose.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compose/compose.h"
#include "lib/arena.h"
#include "lib/err.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_create(1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

static const struct compose_service *read(const char *keys)
{
	char text[1024];
	struct compose_project *p;
	struct err e;

	snprintf(text, sizeof(text), "services:\n  web: {image: lab, %s}\n  db: {image: lab, "
				     "healthcheck: {test: x}}\n", keys);
	p = compose_read("compose.yaml", text, strlen(text), NULL, arena, &e);
	if (!p)
		fail_msg("%s", e.text);
	return &p->services[0];
}

static void plain(void **state)
{
	const struct compose_service *s = read("restart: always");

	(void)state;
	assert_false(s->replicas.is_given);
	assert_int_equal(s->replicas.count, 1);
	assert_null(s->health.test);
	assert_int_equal(s->depend_count, 0);
}

static void numbers(void **state)
{
	const struct compose_service *s = read("scale: 3");

	(void)state;
	assert_true(s->replicas.is_given);
	assert_int_equal(s->replicas.count, 3);
	assert_false(s->replicas.start_first);
	assert_false(s->replicas.least_connections);
	s = read("scale: 2, deploy: {mode: replicated, replicas: 2, endpoint_mode: vip, "
		 "update_config: {order: start-first, parallelism: 1, failure_action: pause}}, "
		 "labels: {cuvette.balance: least-connections}");
	assert_int_equal(s->replicas.count, 2);
	assert_true(s->replicas.start_first);
	assert_true(s->replicas.least_connections);
	s = read("deploy: {update_config: {order: start-first}}");
	assert_true(s->replicas.is_given);
	assert_int_equal(s->replicas.count, 1);
	assert_int_equal(s->replicas.delay_ms, 0);
	s = read("scale: 9, deploy: {update_config: {monitor: 45s}}");
	assert_int_equal(s->replicas.monitor_ms, 45000);
	s = read("scale: 9, deploy: {update_config: {delay: 1m30s, parallelism: 3}}");
	assert_int_equal(s->replicas.monitor_ms, 0);
	assert_int_equal(s->replicas.delay_ms, 90000);
	assert_int_equal(s->replicas.at_once, 3);
	s = read("scale: 9, deploy: {update_config: {parallelism: 0}}");
	assert_true(s->replicas.at_once >= 9);
	s = read("labels: ['cuvette.balance=round-robin', 'cuvette.rate=1mbit']");
	assert_false(s->replicas.least_connections);
	assert_string_equal(s->network.policy, "rate 1000000\n");
}

static void checks(void **state)
{
	const struct compose_service *s = read("healthcheck: {test: 'exit 0 || 1'}");

	(void)state;
	assert_string_equal(s->health.test[0], "/bin/sh");
	assert_string_equal(s->health.test[1], "-c");
	assert_string_equal(s->health.test[2], "exit 0 || 1");
	assert_null(s->health.test[3]);
	assert_int_equal(s->health.interval_ms, 30000);
	assert_int_equal(s->health.timeout_ms, 30000);
	assert_int_equal(s->health.start_period_ms, 0);
	assert_int_equal(s->health.start_interval_ms, 5000);
	assert_int_equal(s->health.retries, 3);
	s = read("healthcheck: {test: [CMD, ask, '80'], interval: 1m30s, timeout: 1s, "
		 "start_period: 0s, start_interval: 200ms, retries: 5}");
	assert_string_equal(s->health.test[0], "ask");
	assert_string_equal(s->health.test[1], "80");
	assert_null(s->health.test[2]);
	assert_int_equal(s->health.interval_ms, 90000);
	assert_int_equal(s->health.start_interval_ms, 200);
	assert_int_equal(s->health.retries, 5);
	assert_string_equal(read("healthcheck: {test: [CMD-SHELL, a b]}")->health.test[2], "a b");
	assert_null(read("healthcheck: {test: [NONE]}")->health.test);
	assert_null(read("healthcheck: {disable: true}")->health.test);
	assert_null(read("healthcheck: {test: x, disable: true}")->health.test);
	assert_non_null(read("healthcheck: {test: x, disable: false}")->health.test);
}

static void dependencies(void **state)
{
	const struct compose_service *s = read("depends_on: [db]");

	(void)state;
	assert_int_equal(s->depend_count, 1);
	assert_string_equal(s->depends[0].service, "db");
	assert_int_equal(s->depends[0].condition, COMPOSE_STARTED);
	s = read("depends_on: {db: {condition: service_healthy, restart: false}, "
		 "zoo: {required: false}}");
	assert_int_equal(s->depend_count, 2);
	assert_int_equal(s->depends[0].condition, COMPOSE_HEALTHY);
	assert_false(s->depends[0].optional);
	assert_true(s->depends[1].optional);
	s = read("depends_on: {db: {condition: service_completed_successfully}}");
	assert_int_equal(s->depends[0].condition, COMPOSE_COMPLETED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(numbers),
		cmocka_unit_test(checks),
		cmocka_unit_test(dependencies),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("replicas", tests, begin, end);
}
