#include "init/backoff.h"

uint64_t backoff_next_ms(uint64_t last_wait_ms, uint64_t was_up_ms)
{
	if (!last_wait_ms || was_up_ms >= BACKOFF_RESET_MS)
		return BACKOFF_FIRST_MS;
	return last_wait_ms >= BACKOFF_MAX_MS / 2 ? BACKOFF_MAX_MS : last_wait_ms * 2;
}
