/* fragments.h - an IPv6 packet in pieces that a link takes: on its way only its sender cuts it.
 *
 * Pure. For what the gateway builds itself: UDP and ICMPv6 behind a plain IPv6 header. The kernel
 * completes no checksum of a packet in pieces, so that is done here.
 * Source: RFC 8200 (4.5, 8.1). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct tun_offload;

enum {
	FRAGMENTS_HEADERS = 40 + 8, /* IPv6, fragment header */
	FRAGMENTS_PIECES_MAX = 8,   /* of the whole packet */
};

struct fragments {
	uint8_t headers[FRAGMENTS_HEADERS];
	/* private */
	const struct iovec *pieces;
	int count;
	uint8_t protocol;
	size_t at, total; /* behind the IPv6 header */
	size_t step;
	uint32_t id;
};

/* False: nothing to do, the packet fits or is no such one. True: its checksum has been completed
 * in the first piece, which holds all its headers; the pieces are looked at until the last next. */
bool fragments_begin(struct fragments *f, const struct tun_offload *offload,
		     const struct iovec *pieces, int count, uint16_t mtu, uint32_t id);
/* The next one, in f->headers and pieces of the packet: their count; 0: it was the last. */
int fragments_next(struct fragments *f, struct iovec out[FRAGMENTS_PIECES_MAX + 1]);
