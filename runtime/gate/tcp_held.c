#include "gate/tcp_held.h"

#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gate/tcp_flow.h"

enum {
	ALL_MAX = 64 * 1024 * 1024, /* memory of what no socket takes, of all flows */
	ALL_OF_ONE_MAX = ALL_MAX / 4, /* of one container's */
	KEPT_MAX = ALL_MAX / 4 * 3,   /* of that what is kept; the rest is for what is held */
	KEPT_OF_ONE_MAX = ALL_OF_ONE_MAX / 4 * 3,
	KERNEL_COST = 4096, /* beside a segment's bytes in a socket */
	FLAGS_AT = 13,	    /* of the TCP header */
};

struct tcp_held {
	size_t cost, size_bytes;
	uint32_t seq;
	uint8_t packet[];
};

/* Whether the socket takes all of it (SO_MEMINFO, linux/sock_diag.h): with what is sent goes some
 * of the kernel's memory for headers. */
static bool has_room(const struct tcp_flow *f, size_t size_bytes)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(memory);

	/* Without one the flow ends by it. */
	if (f->socket.fd < 0)
		return true;
	if (getsockopt(f->socket.fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
		return false;
	return memory[SK_MEMINFO_WMEM_QUEUED] + size_bytes + size_bytes / 8 + KERNEL_COST <=
	       memory[SK_MEMINFO_SNDBUF];
}

static bool is_within(const struct tcp_flow *f, size_t cost, size_t all_max, size_t of_one_max)
{
	const struct flow_account *a = f->flow.account;

	return f->tcp->kept_bytes + cost <= all_max && (!a || a->kept_bytes + cost <= of_one_max);
}

/* A flow that keeps nothing may go on beyond the bounds, but not begin to keep: else each new one
 * would add a piece, whatever the bounds say. */
bool tcp_held_must(const struct tcp_flow *f, const struct packet *p)
{
	size_t payload = p->payload_bytes;

	if (payload == 0 || f->service || is_within(f, 0, KEPT_MAX, KEPT_OF_ONE_MAX))
		return false;
	if (lwip_conn_has(&f->conn, p->tcp_seq + (uint32_t)payload))
		return false;
	return f->kept || !has_room(f, payload);
}

static void hold(struct tcp_flow *f, const struct packet *p)
{
	size_t headers = p->ip_bytes - p->payload_bytes, payload = p->payload_bytes, cost;
	struct tcp_held *h;

	if (payload > f->conn.wire_bytes)
		payload = f->conn.wire_bytes;
	cost = sizeof(*h) + headers + payload;
	if (headers > PACKET_HEADERS_MAX || !is_within(f, cost, ALL_MAX, ALL_OF_ONE_MAX))
		return;
	h = malloc(cost);
	if (!h)
		abort();
	h->cost = cost;
	h->seq = p->tcp_seq;
	h->size_bytes = headers + payload;
	memcpy(h->packet, p->ip, h->size_bytes);
	packet_set_length(h->packet, h->size_bytes);
	/* The end is behind bytes that were cut off. */
	if (payload < p->payload_bytes)
		h->packet[p->transport - p->ip + FLAGS_AT] &= (uint8_t)~PACKET_FIN;
	f->held = h;
	tcp_relay_count_kept(f, (ssize_t)cost);
}

void tcp_held_refuse(struct tcp_flow *f, const struct packet *p)
{
	if (f->state != TCP_OPEN)
		return;
	if (lwip_conn_is_next(&f->conn, p->tcp_seq) && !(f->held && f->held->seq == p->tcp_seq)) {
		/* What it holds has come again since, when there was a place. */
		tcp_held_clear(f);
		hold(f, p);
		/* Without a place for it nobody waits: the loop would be told again and again. */
		tcp_relay_want(f, LOOP_WRITE, f->kept || f->held);
	}
	lwip_conn_refuse(&f->conn);
}

void tcp_held_release(struct tcp_flow *f)
{
	struct tcp_held *h = f->held;
	struct packet p;

	f->held = NULL;
	tcp_relay_count_kept(f, -(ssize_t)h->cost);
	tcp_relay_want(f, LOOP_WRITE, f->kept != NULL);
	if (packet_parse(&p, h->packet, h->size_bytes) == PACKET_GOOD)
		lwip_stack_input(f->tcp->lwip, &f->conn, &p, NULL);
	free(h);
}

void tcp_held_clear(struct tcp_flow *f)
{
	if (!f->held)
		return;
	tcp_relay_count_kept(f, -(ssize_t)f->held->cost);
	free(f->held);
	f->held = NULL;
}
