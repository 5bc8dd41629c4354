/* tcp_world.h - one container and one server around tcp.c: the container is made of packets, the
 * server of a real socket. For test_tcp*.c alone. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/packet.h"
#include "gate/tcp.h"
#include "gate/tcp_flow.h"
#include "gate/tun.h"
#include "lib/err.h"
#include "lib/loop.h"

enum {
	SEGMENT = 16000,
	SMALL = 2000,
	NARROW = 600,
	STEP = 8192, STEPS = 8, /* so many are a window */
	SEGMENTS_MAX = 4000,
	TURN_MS = 1,
	STILL_TURNS = 20,
	KEPT_LEAST = 30000,
	LARGE_SENDS = 10,
	LARGE_LEAST = 32000,
	TURNS_MAX = 2000
};
enum { OVER = 13 * 1024 * 1024, MSS = 536 }; /* of the account: kept is full, held is not */
enum { PLENTY = 256 * 1024 * 1024, PART = 1024 * 1024, PARTS_SCARCE = 160, PARTS_MAX = 300 };

/* lwip_heap.c; no header, lwIP's own declare it */
void *lwip_heap_get(size_t size_bytes);
void lwip_heap_drop(void *at);

struct world {
	struct loop *loop;
	struct loop_timer turn;
	struct frame_pool *pool;
	struct tcp_setup setup;
	struct tcp *tcp;
	struct flow_account account;
	struct rate rate; /* of what it sends */
	int listener, server;
	uint16_t port;

	/* of the container's one connection */
	uint32_t ours, theirs, acked, edge; /* edge: of the window that it was shown */
	size_t sent_bytes;
	uint8_t mss;			/* its SYN says; 0 = nothing */
	uint16_t wire_bytes;		/* the device shall split what it gets into such pieces */
	uint16_t window;		/* it takes so much at once; 0 = all */
	bool shut;			/* it takes nothing */
	uint16_t shown;			/* the window that it was told last */
	uint32_t end;			/* where its server's FIN stood first; 0 = none came */
	size_t largest; /* of the packets that the device got; what it was told of that one, */
	struct tun_offload offload;
	bool unsummed; /* and of all: with nothing but the pseudo header in its sum */
};

static const uint8_t inside[] = { 10, 0, 0, 2 }, outside[] = { 192, 0, 2, 1 };
static uint8_t data[SEGMENT];

static inline void decide(void *ctx, const struct packet *syn, struct tcp_ruling *ruling)
{
	struct world *w = ctx;

	(void)syn;
	*ruling = (struct tcp_ruling){ .verdict = TCP_CONNECT,
				       .port = w->port,
				       .payer = { .account = &w->account, .rate_out = &w->rate } };
	address_parse("127.0.0.1", &ruling->address);
}

/* What the container gets. */
static inline void on_sent(void *ctx, const struct tun_offload *o, const struct iovec *pieces,
			   int count)
{
	struct world *w = ctx;
	static uint8_t bytes[70000];
	struct packet p;
	size_t size = 0;
	int i;

	if (o->segment_bytes)
		w->wire_bytes = o->segment_bytes;
	for (i = 0; i < count; i++) {
		memcpy(bytes + size, pieces[i].iov_base, pieces[i].iov_len);
		size += pieces[i].iov_len;
	}
	assert_int_equal(packet_parse(&p, bytes, size), PACKET_GOOD);
	assert_int_equal(p.tcp_flags & PACKET_RESET, 0);
	w->acked = p.tcp_ack;
	w->shown = (uint16_t)(p.transport[14] << 8 | p.transport[15]);
	w->edge = p.tcp_ack + w->shown;
	w->theirs = p.tcp_seq + (uint32_t)p.payload_bytes +
		    !!(p.tcp_flags & (PACKET_SYN | PACKET_FIN));
	if (p.tcp_flags & PACKET_FIN && !w->end)
		w->end = w->theirs;
	if (size > w->largest) {
		w->largest = size;
		w->offload = *o;
	}
	w->unsummed &= (p.transport[16] << 8 | p.transport[17]) ==
		       packet_pseudo_sum(&p.from, &p.to, IPPROTO_TCP, size - 20);
}

static inline void put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* A segment of the container from w->ours on. */
static inline void say(struct world *w, uint8_t flags, size_t size)
{
	struct frame *f = frame_get(w->pool);
	struct address from = address_of_bytes(inside, 4), to = address_of_bytes(outside, 4);
	size_t header = w->mss && flags == PACKET_SYN ? 24 : 20;
	struct packet p;
	uint8_t *tcp;

	assert_non_null(f);
	tcp = f->bytes + packet_build_ip(f->bytes, &from, &to, IPPROTO_TCP, header + size);
	memset(tcp, 0, header);
	put32(tcp, 40000u << 16 | 80);
	put32(tcp + 4, w->ours);
	put32(tcp + 8, w->theirs);
	tcp[12] = (uint8_t)(header << 2);
	tcp[13] = flags;
	tcp[14] = w->window ? (uint8_t)(w->window >> 8) : 255;
	tcp[15] = w->window ? (uint8_t)w->window : 255;
	if (w->shut)
		tcp[14] = tcp[15] = 0;
	if (header > 20)
		memcpy(tcp + 20, (const uint8_t[]){ 2, 4, 0, w->mss }, 4);
	memcpy(tcp + header, data, size);
	f->size_bytes = (uint32_t)(20 + header + size);
	assert_int_equal(packet_parse(&p, f->bytes, f->size_bytes), PACKET_GOOD);
	tcp_input_packet(w->tcp, &p, f);
	frame_drop(f);
}

static inline void on_turn(struct loop_timer *timer)
{
	loop_stop(owner_of(timer, struct world, turn)->loop);
}

static inline void turn(struct world *w)
{
	struct err e;

	loop_timer_set(w->loop, &w->turn, TURN_MS);
	assert_int_equal(loop_run(w->loop, &e), 0);
}

/* All of it at once: true when the gateway has taken it. */
static inline bool say_data(struct world *w, size_t size)
{
	say(w, PACKET_ACKED, size);
	lwip_stack_tick(w->tcp->lwip);
	if (w->acked != w->ours + size)
		return false;
	w->ours += (uint32_t)size;
	w->sent_bytes += size;
	return true;
}

/* Until neither the server's kernel nor ours takes more, whatever they can still move. */
static inline void fill_until_kept(struct world *w)
{
	size_t want = w->tcp->kept_bytes + KEPT_LEAST;
	int i, still = 0;

	for (i = 0; i < SEGMENTS_MAX && still < STILL_TURNS; i++) {
		if (w->tcp->kept_bytes < want)
			say_data(w, SEGMENT);
		turn(w);
		still = w->tcp->kept_bytes >= want ? still + 1 : 0;
	}
	assert_int_equal(still, STILL_TURNS);
}

static inline void open_connection(struct world *w)
{
	int small = 4096;

	w->ours = 1000;
	w->theirs = 0;
	w->sent_bytes = 0;
	say(w, PACKET_SYN, 0);
	w->server = accept(w->listener, NULL, NULL);
	assert_true(w->server >= 0);
	turn(w);
	w->ours++;
	assert_int_equal(w->acked, w->ours);
	say(w, PACKET_ACKED, 0);
	/* Else the kernel may still move a third of some megabytes when the server's end comes. */
	setsockopt(w->tcp->all->socket.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
}

/* The container first, then the server; lwIP knows it no more. */
static inline void end_both(struct world *w)
{
	int i;

	say(w, PACKET_FIN | PACKET_ACKED, 0);
	w->ours++;
	shutdown(w->server, SHUT_WR);
	for (i = 0; i < TURNS_MAX && w->tcp->all->conn.pcb; i++) {
		turn(w);
		say(w, PACKET_ACKED, 0);
	}
	assert_null(w->tcp->all->conn.pcb);
	assert_int_equal(w->tcp->all->state, TCP_DRAINING);
}

/* The server gets all of it, and the end. */
static inline void read_all(struct world *w)
{
	static uint8_t got[65536];
	size_t sum = 0;
	ssize_t n = -1;
	int i;

	for (i = 0; i < TURNS_MAX && n != 0; i++) {
		while ((n = recv(w->server, got, sizeof(got), MSG_DONTWAIT)) > 0)
			sum += (size_t)n;
		turn(w);
	}
	assert_int_equal(n, 0);
	assert_int_equal(sum, w->sent_bytes);
	close(w->server);
}

static inline void begin(struct world *w)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int small = 4096;
	struct err e;

	memset(w, 0, sizeof(*w));
	for (int i = 0; i < SEGMENT; i++)
		data[i] = (uint8_t)(i * 7);
	w->loop = loop_create(&e);
	assert_non_null(w->loop);
	w->turn.on_time = on_turn;
	w->pool = frame_pool_create(1024);
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(w->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(bind(w->listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(w->listener, 8), 0);
	getsockname(w->listener, (struct sockaddr *)&at, &size);
	w->port = ntohs(at.sin_port);
	w->setup = (struct tcp_setup){ .loop = w->loop,
				       .tun = tun_create_memory(w->pool, on_sent, w),
				       .flows = flow_table_create(100),
				       .mtu = 1500,
				       .decide = decide,
				       .ctx = w };
	w->tcp = tcp_create(&w->setup);
	open_connection(w);
}

static inline void reset(struct world *w)
{
	say(w, PACKET_RESET | PACKET_ACKED, 0);
	close(w->server);
}

static inline void finish(struct world *w)
{
	if (w->tcp->all)
		reset(w);
	assert_int_equal(w->tcp->kept_bytes, 0);
	assert_int_equal(w->account.kept_bytes, 0);
	assert_int_equal(w->account.flows, 0);
	tcp_destroy(w->tcp);
	flow_table_destroy(w->setup.flows);
	tun_destroy(w->setup.tun);
	frame_pool_destroy(w->pool);
	close(w->listener);
	loop_timer_off(&w->turn);
	loop_destroy(w->loop);
}

/* The server says something: where that began. */
static inline uint32_t get_small(struct world *w)
{
	uint32_t first = w->theirs;

	assert_int_equal(send(w->server, data, SMALL, 0), SMALL);
	for (int i = 0; i < TURNS_MAX && w->theirs != first + SMALL; i++)
		turn(w);
	return first;
}

