/* dns_stream.h - one question to a resolver by TCP, and its answer: two bytes of length before each
 * (RFC 1035 4.2.2).
 *
 * Embedded in whoever asks, who bounds the time and knows what is an answer. Owns its socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/dns_message.h"
#include "lib/loop.h"

struct address;
struct dns_stream;

/* One message, borrowed; NULL: there will be none. Said once; the stream may be closed by it. */
typedef void dns_stream_done_fn(struct dns_stream *s, const uint8_t *message, size_t size_bytes);

struct dns_stream {
	dns_stream_done_fn *done;
	/* private */
	struct loop_source source;	/* fd -1: none */
	uint8_t out[2 + DNS_QUERY_MAX];
	size_t out_bytes, in_bytes;
	bool sent;			/* connected, and the question is on its way */
	uint8_t *in;			/* length and message; NULL until then */
};

void dns_stream_init(struct dns_stream *s, dns_stream_done_fn *done);
/* Connects and asks, with at most DNS_QUERY_MAX bytes. -1: not now, for a local cause. */
int dns_stream_ask(struct dns_stream *s, struct loop *loop, const struct address *to, uint16_t port,
		   const uint8_t *question, size_t size_bytes);
void dns_stream_close(struct dns_stream *s); /* fine when it is */
