/* backoff.h - how long to wait before something that ended is started again. Pure; init uses it for
 * svd, svd for its units. 100 ms, doubling to 10 s; whoever stayed up for 10 s begins again at 100
 * ms. */
#pragma once

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, BACKOFF_RESET_MS = 10000 };

/* last_wait_ms = 0 before the first time. */
uint64_t backoff_next_ms(uint64_t last_wait_ms, uint64_t was_up_ms);
