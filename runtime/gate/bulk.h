/* bulk.h - streams in full flow: who passes one on is woken for much of it at once.
 *
 * Between two ends on one machine a wake-up costs as much as the bytes that it is for. Once a
 * stream has moved BULK_FROM_BYTES and nothing was said against it, its reader is woken for
 * BULK_WAKE_BYTES (socket(7): SO_RCVLOWAT), for its end, or when its window is full (tcp_poll in
 * net/ipv4/tcp.c). What is less waits for no more of them: each sweep, a millisecond after the
 * other, reads what has waited since the last one. Whoever waits for an answer meets none of this:
 * a byte in the other direction ends the flow, and so do pauses that together last BULK_REST_MS
 * more than what moves makes good.
 *
 *     flow_bytes: 0 ..... BULK_FROM_BYTES
 *                 ^ ends  ^ begins         moved: more; a sweep that found it still: less
 *
 * Owns nothing: a way is embedded in what reads, and leaves before its fd is closed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"

struct bulk_way;

enum {
	BULK_FROM_BYTES = 16 * 1024 * 1024, /* at 40 Gbit/s 3 ms of it, at 1 Gbit/s 130 */
	BULK_WAKE_BYTES = 512 * 1024,
	BULK_SWEEP_MS = 1,
	BULK_ROUNDS = 8, /* for who has nothing else to do */
	BULK_REST_MS = 64, /* a sender among seven others on one CPU waits up to 24 ms */
};

typedef void bulk_fn(struct bulk_way *way);

struct bulk {
	struct loop *loop;
	unsigned rounds; /* so often one of them is read at once; 1 where others wait for a turn */
	struct loop_timer sweep; /* set while a way is in it */
	struct bulk_way *first, *next; /* next: in a sweep */
	bool sweeps;
};

struct bulk_way {
	bulk_fn *on_sweep; /* reads what is there; may leave, this one or others */
	/* private */
	struct bulk_way *next, **place; /* place NULL: not in full flow */
	int fd;
	uint32_t flow_bytes;
	bool moved; /* since the last sweep */
};

void bulk_init(struct bulk *b, struct loop *loop, unsigned rounds);
/* So much was read from the socket fd for this way. */
void bulk_moved(struct bulk *b, struct bulk_way *way, int fd, uint64_t bytes);
/* It is spoken to, or over: from now on it is woken for each byte. Fine when it is not in it. */
void bulk_leave(struct bulk *b, struct bulk_way *way);
/* It is somebody else's, as it is, or about to be closed. */
void bulk_forget(struct bulk *b, struct bulk_way *way);
static inline bool bulk_has(const struct bulk_way *way)
{
	return way->place;
}
