/* bounded.h - something that may block for good (a dead disk, a silent host), done in a child and
 * left behind when it is late. PID 1 itself never waits without a bound. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* True when the child ended in time with status 0. When there is no child to be had, does it in
 * this process: rather late than not at all. Takes SIGCHLDs away: the caller reaps before it waits
 * again. */
bool bounded_run(bool (*work)(void *ctx), void *ctx, uint64_t bound_ms);
