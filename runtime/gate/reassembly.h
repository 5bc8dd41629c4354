/* reassembly.h - packets that came in pieces, put together again.
 *
 * Bounded: in number, of one sender too, and in time; a datagram whose pieces overlap or do not fit
 * together is thrown away whole (RFC 5722). Frames come from the caller's pool. No clock of its
 * own: the caller ticks. Source: RFC 791 (3.2), RFC 8200 (4.5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct frame;
struct frame_pool;
struct packet;
struct reassembly;

enum {
	REASSEMBLY_MAX = 64,	   /* datagrams in hand: x 64 KiB */
	REASSEMBLY_OF_ONE_MAX = 8, /* of one sender */
	REASSEMBLY_TICKS = 5,	   /* seconds, when ticked each second */
};

struct reassembly *reassembly_create(struct frame_pool *pool);
void reassembly_destroy(struct reassembly *r); /* NULL is fine */

/* One piece. When it was the last one missing, the frame with the whole packet, one count of it the
 * caller's; else NULL. */
struct frame *reassembly_add(struct reassembly *r, const struct packet *p);
void reassembly_tick(struct reassembly *r);
bool reassembly_idle(const struct reassembly *r);
