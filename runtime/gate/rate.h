/* rate.h - a limit in bits per second as a bucket of bytes. Pure: the time is given.
 *
 * One per container and direction. TCP spends and waits until the debt is paid (nothing is lost);
 * UDP asks before and drops. The bucket holds 50 ms of the rate, at least one largest packet.
 *
 * While TCP has all of it there is hardly ever anything in the bucket: an eighth of the rate is
 * kept for datagrams then. They are paid for by the bucket all the same, so the sum is the rate. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate {
	uint64_t bytes_per_s;	/* 0 = no limit */
	int64_t tokens;		/* bytes x 2^20 that may go now; below zero: the debt */
	int64_t kept;		/* the same for datagrams that the bucket has nothing for */
	uint64_t at_ns;		/* when both were right */
};

void rate_init(struct rate *r, uint64_t bits_per_s, uint64_t now_ns);
/* A changed limit keeps the debt. */
void rate_change(struct rate *r, uint64_t bits_per_s, uint64_t now_ns);

/* Takes them in any case; returns how long the sender has to wait then, in ns. */
uint64_t rate_spend(struct rate *r, size_t size_bytes, uint64_t now_ns);
/* Takes them and returns true, or leaves all as it is. */
bool rate_admit(struct rate *r, size_t size_bytes, uint64_t now_ns);
