/* frame.h - one packet as the TUN device hands it over, in memory of its own, and the pool of them.
 *
 * A frame is counted: who keeps it beyond its callback takes a count. The pool has a bound; when it
 * is reached there is no frame, and the device is read again later. Knows nothing of what is in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_BYTES_MAX = 65536, /* an IP packet, with GSO, is at most 65535 (no BIG TCP) */
	FRAME_OFFLOAD_BYTES = 10, /* struct virtio_net_hdr before it */
	FRAME_PRIVATE_BYTES = 64,
};

struct frame_pool;

struct frame {
	_Alignas(16) uint8_t
		private[FRAME_PRIVATE_BYTES]; /* first: of who keeps it, lwip_stack.c */
	struct frame_pool *pool;
	struct frame *next;
	uint32_t counts;
	uint32_t size_bytes; /* of the packet */
	uint8_t offload[FRAME_OFFLOAD_BYTES];
	_Alignas(16) uint8_t bytes[FRAME_BYTES_MAX];
};

struct frame_pool *frame_pool_create(size_t frames_max);
void frame_pool_destroy(struct frame_pool *pool);	/* NULL is fine; all frames are back */
struct frame *frame_get(struct frame_pool *pool);	/* with one count; NULL: the bound */
/* More than half are in use: who can copy shall. */
bool frame_pool_scarce(const struct frame_pool *pool);
struct frame *frame_keep(struct frame *f);
void frame_drop(struct frame *f); /* NULL is fine */
