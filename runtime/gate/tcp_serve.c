#include <string.h>

#include "gate/lwip_bytes.h"
#include "gate/tcp_flow.h"

/* Bytes that the container has not acknowledged: the longest DNS message. */
enum { WAITING_MAX = 2 + 65535 };

struct tcp_peer {
	struct tcp_flow flow; /* a peer is its flow: never made, only cast to */
};

static struct tcp_flow *flow_of(struct lwip_conn *c)
{
	return owner_of(c, struct tcp_flow, conn);
}

struct flow_account *tcp_peer_account(const struct tcp_peer *peer)
{
	return peer->flow.flow.account;
}

int tcp_peer_send(struct tcp_peer *peer, const void *bytes, size_t size_bytes)
{
	struct tcp_flow *f = &peer->flow;
	const uint8_t *at = bytes;
	struct chunk *c;
	size_t part;

	if (size_bytes > WAITING_MAX || lwip_conn_room(&f->conn) < size_bytes ||
	    chunk_row_size(&f->row) + size_bytes > WAITING_MAX)
		return -1;
	for (; size_bytes > 0; size_bytes -= part, at += part) {
		c = chunk_row_room(f->tcp->chunks, &f->row);
		if (!c)
			break;
		part = CHUNK_BYTES - c->used;
		part = part < size_bytes ? part : size_bytes;
		memcpy(c->bytes + c->used, at, part);
		if (lwip_conn_write(&f->conn, c->bytes + c->used, part, part < size_bytes) < 0)
			break;
		c->used += (uint32_t)part;
	}
	lwip_conn_flush(&f->conn);
	/* A part of a message is worse than none. */
	if (size_bytes > 0) {
		f->socket_ended = true;
		lwip_conn_shut(&f->conn);
		return -1;
	}
	return 0;
}

void tcp_peer_close(struct tcp_peer *peer)
{
	struct tcp_flow *f = &peer->flow;

	f->conversation = NULL;
	f->socket_ended = true;
	lwip_conn_shut(&f->conn);
	lwip_conn_flush(&f->conn);
}

static void end_conversation(struct tcp_flow *f)
{
	void *conversation = f->conversation;

	f->conversation = NULL;
	if (conversation)
		f->service->on_end(conversation);
}

static void on_opened(struct lwip_conn *c)
{
	struct tcp_flow *f = flow_of(c);

	tcp_flow_opened(f);
	f->conversation = f->service->on_open(f->service->ctx, (struct tcp_peer *)f,
					      &f->flow.key.inside, f->flow.key.inside_port);
}

static void on_received(struct lwip_conn *c, struct lwip_bytes *b)
{
	struct tcp_flow *f = flow_of(c);
	size_t size = lwip_bytes_size(b), skip = 0;
	struct iovec piece;

	/* After its end it may say what it likes. */
	while (f->conversation && lwip_bytes_pieces(b, skip, &piece, 1) == 1) {
		f->service->on_bytes(f->conversation, piece.iov_base, piece.iov_len);
		skip += piece.iov_len;
	}
	lwip_bytes_drop(b);
	lwip_conn_consumed(c, size);
}

static void on_sent(struct lwip_conn *c, size_t size_bytes)
{
	struct tcp_flow *f = flow_of(c);

	chunk_row_drop(f->tcp->chunks, &f->row, size_bytes);
	tcp_relay_feed(f->tcp);
	if (f->conversation && f->service->on_room)
		f->service->on_room(f->conversation);
}

static void on_ended(struct lwip_conn *c)
{
	struct tcp_flow *f = flow_of(c);

	end_conversation(f);
	if (!f->socket_ended)
		tcp_peer_close((struct tcp_peer *)f);
}

static void on_gone(struct lwip_conn *c)
{
	tcp_flow_destroy(flow_of(c));
}

void tcp_serve_clear(struct tcp_flow *f)
{
	if (f->service)
		end_conversation(f);
}

const struct lwip_events tcp_serve_events = {
	.opened = on_opened,
	.received = on_received,
	.sent = on_sent,
	.ended = on_ended,
	.gone = on_gone,
};
