/* rate.h - a limit in bits per second as a bucket of bytes. Pure: the time is given.
 *
 * One per container and direction. TCP spends and waits until that is paid (nothing is lost); UDP
 * asks before and drops. The bucket holds 50 ms of the rate, at least one largest packet.
 *
 * Each party has a part of the rate that nobody else can take, in a bucket of its own, and beside
 * it all that the others leave: it may go on as soon as either bucket says so. Whatever goes is
 * paid for by both, so the sum is the rate. Within a party each sender has its turn: it waits until
 * what it took is paid, and for nothing that was taken after it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rate_party {
	RATE_DATAGRAMS,
	RATE_FLOWS,	/* the container's own connections */
	RATE_PORTS,	/* those of its published ports */
	RATE_PARTIES
};

struct rate {
	uint64_t bytes_per_s;	/* 0 = no limit */
	int64_t tokens;		/* bytes x 2^20 that may go now; below zero: the debt */
	int64_t own[RATE_PARTIES];	/* the same of each party; never less than tokens */
	uint64_t spent[RATE_PARTIES];	/* bytes */
	uint64_t at_ns;		/* when all of it was right */
};

/* Of one sender of a party; all zero at first. */
struct rate_turn {
	uint64_t after;		/* it has its turn when so much of what its party spent is paid */
};

void rate_init(struct rate *r, uint64_t bits_per_s, uint64_t now_ns);
/* A changed limit keeps the debt. */
void rate_change(struct rate *r, uint64_t bits_per_s, uint64_t now_ns);

/* A new sender: it has its turn when all is paid that its party spent before. */
void rate_queue(const struct rate *r, enum rate_party party, struct rate_turn *turn);
/* Takes them in any case; returns how long the sender has to wait then, in ns. */
uint64_t rate_spend(struct rate *r, enum rate_party party, struct rate_turn *turn,
		    size_t size_bytes, uint64_t now_ns);
/* How long it still has to, if nobody else takes anything; ask again then. */
uint64_t rate_wait(struct rate *r, enum rate_party party, const struct rate_turn *turn,
		   uint64_t now_ns);
/* For datagrams: takes them and returns true, or leaves all as it is. */
bool rate_admit(struct rate *r, size_t size_bytes, uint64_t now_ns);
