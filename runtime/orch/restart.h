/* restart.h - whether and when a task that went down is started again. Pure: the caller has the
 * clock.
 *
 * The wait doubles from 100 ms to 60 s and begins anew once a run lasted 10 s: the figures that
 * users of container engines know. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum restart_policy { RESTART_NEVER, RESTART_ALWAYS, RESTART_ON_FAILURE };

enum { RESTART_WAIT_FIRST_MS = 100, RESTART_WAIT_LONGEST_MS = 60000, RESTART_STABLE_MS = 10000 };

struct restart_rule {
	enum restart_policy policy;
	unsigned tries_max;		/* of on-failure; 0 = no bound */
};

/* tries = restarts so far. */
bool restart_again(const struct restart_rule *rule, uint64_t exit_status, unsigned tries);

/* last_ms = the wait before this run, 0 for the first run; ran_ms = how long it lasted. */
uint64_t restart_wait_ms(uint64_t last_ms, uint64_t ran_ms);
