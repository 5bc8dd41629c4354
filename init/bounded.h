/* bounded.h - something that may block for good (a dead disk, a silent host), done in a child and
 * left behind when it is late. PID 1 itself never waits without a bound. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum bounded {
	BOUNDED_DONE,	/* in time, and the work says true */
	BOUNDED_FAILED, /* in time: the work says false, or was killed */
	BOUNDED_LATE, /* killed; when it hangs in the kernel it dies before its next system call */
};

/* What the child changes in *ctx stays in the child, unless that is shared memory (mmap(2)). When
 * there is no child to be had, does it in this process: rather late than not at all. Takes SIGCHLDs
 * away: the caller reaps before it waits again. */
enum bounded bounded_run(bool (*work)(void *ctx), void *ctx, uint64_t bound_ms);
