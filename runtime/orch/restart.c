/* restart.c - see restart.h. */
#include "orch/restart.h"

bool restart_again(const struct restart_rule *rule, uint64_t exit_status, unsigned tries)
{
	switch (rule->policy) {
	case RESTART_NEVER:
		return false;
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_FAILURE:
		return exit_status != 0 && (!rule->tries_max || tries < rule->tries_max);
	}
	return false;
}

uint64_t restart_wait_ms(uint64_t last_ms, uint64_t ran_ms)
{
	if (!last_ms || ran_ms >= RESTART_STABLE_MS)
		return RESTART_WAIT_FIRST_MS;
	return last_ms >= RESTART_WAIT_LONGEST_MS / 2 ? RESTART_WAIT_LONGEST_MS : 2 * last_ms;
}
