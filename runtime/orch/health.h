/* health.h - whether a task that runs also works: the outcomes of its checks in, its state out.
 * Pure: the caller has the clock and runs the checks.
 *
 *               begin        good
 *   UNCHECKED          CHECKING ----> HEALTHY
 *   (no rule)             |            ^  | `retries` bad ones in a row
 *                         |       good |  v
 *                         `--------> UNHEALTHY
 *               the same, bad ones before start_period_ms not counted
 *
 * As Docker has it: the first good one ends the start period, and the first check comes one
 * interval after the start, within the start period one start_interval. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum health_state {
	HEALTH_UNCHECKED,		/* nobody asks: it works as long as it runs */
	HEALTH_CHECKING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
	HEALTH_STATES
};

struct health_rule {
	uint64_t interval_ms, timeout_ms, start_period_ms, start_interval_ms;
	unsigned retries;
};

struct health {
	enum health_state state;
	unsigned bad;			/* in a row */
	uint64_t began_ms;
	bool proven;			/* a good one ended the start period */
};

/* rule NULL: it has no check. known: what was said of this very run before, else CHECKING. */
void health_begin(struct health *h, const struct health_rule *rule, enum health_state known,
		  uint64_t now_ms);
/* Of one check that ended; true = the state is another one now. */
bool health_outcome(struct health *h, const struct health_rule *rule, bool good, uint64_t now_ms);
/* From the end of one check, or the beginning, to the next one. */
uint64_t health_wait_ms(const struct health *h, const struct health_rule *rule, uint64_t now_ms);
/* May it get work, and does it count as up? */
bool health_works(const struct health *h);

const char *health_name(enum health_state state);	/* "healthy" */
/* CHECKING for what is no name of one. */
enum health_state health_named(const char *name);
