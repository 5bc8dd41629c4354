/* health.h - what a compose file says about when a service works, and whom it waits for:
 * `healthcheck` and `depends_on`. Public structs; the functions are for runtime/compose only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compose_project;
struct err;
struct reader;
struct yaml_node;

struct compose_health {
	const char *const *test;	/* NULL-terminated; NULL = it has no check */
	uint64_t interval_ms, timeout_ms, start_period_ms, start_interval_ms;
	unsigned retries;
};

enum compose_condition {
	COMPOSE_STARTED,
	COMPOSE_HEALTHY,
	COMPOSE_COMPLETED,		/* ended with status 0 */
	COMPOSE_CONDITIONS
};

struct compose_dependency {
	const char *service;
	unsigned line;
	enum compose_condition condition;
	bool optional;			/* required: false; it may be missing in the file */
};

/* Rows of service.c's table. */
int service_read_healthcheck(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_depends_on(struct reader *r, const struct yaml_node *node, struct err *e);

/* Every service that is waited for is there, and nobody waits for himself in the end. */
int depends_check(const struct reader *r, const struct compose_project *p, struct err *e);
