/* test_tcp.c - what is kept for a server that does not read: counted until it is gone, bounded, and
 * whole when lwIP has no memory. The container is made of packets, the server of a real socket. */
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
};

static const uint8_t inside[] = { 10, 0, 0, 2 }, outside[] = { 192, 0, 2, 1 };
static uint8_t data[SEGMENT];

static void decide(void *ctx, const struct packet *syn, struct tcp_ruling *ruling)
{
	struct world *w = ctx;

	(void)syn;
	*ruling = (struct tcp_ruling){ .verdict = TCP_CONNECT,
				       .port = w->port,
				       .payer.account = &w->account };
	address_parse("127.0.0.1", &ruling->address);
}

/* What the container gets. */
static void on_sent(void *ctx, const struct tun_offload *o, const struct iovec *pieces, int count)
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
}

static void put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* A segment of the container from w->ours on. */
static void say(struct world *w, uint8_t flags, size_t size)
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

static void on_turn(struct loop_timer *timer)
{
	loop_stop(owner_of(timer, struct world, turn)->loop);
}

static void turn(struct world *w)
{
	struct err e;

	loop_timer_set(w->loop, &w->turn, TURN_MS);
	assert_int_equal(loop_run(w->loop, &e), 0);
}

/* All of it at once: true when the gateway has taken it. */
static bool say_data(struct world *w, size_t size)
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
static void fill_until_kept(struct world *w)
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

static void open_connection(struct world *w)
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
static void end_both(struct world *w)
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
static void read_all(struct world *w)
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

static void begin(struct world *w)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int small = 4096;
	struct err e;

	memset(w, 0, sizeof(*w));
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

static void reset(struct world *w)
{
	say(w, PACKET_RESET | PACKET_ACKED, 0);
	close(w->server);
}

static void finish(struct world *w)
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
static uint32_t get_small(struct world *w)
{
	uint32_t first = w->theirs;

	assert_int_equal(send(w->server, data, SMALL, 0), SMALL);
	for (int i = 0; i < TURNS_MAX && w->theirs != first + SMALL; i++)
		turn(w);
	return first;
}

/* Ended by both sides with bytes that no one reads: the container's own until they are gone. */
static void test_draining_counts(void **state)
{
	socklen_t size = sizeof(int);
	struct world w;
	int timeout = 0, first;
	size_t kept, sent;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	end_both(&w);
	assert_int_equal(w.account.flows, 1);
	assert_int_equal(flow_table_count(w.setup.flows), 1);
	assert_true(w.account.kept_bytes > 0);
	assert_int_equal(w.account.kept_bytes, w.tcp->kept_bytes);
	getsockopt(w.tcp->all->socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size);
	assert_int_equal(timeout, 60000);

	/* Its ends are free, and the next one is a connection of its own. */
	first = w.server;
	sent = w.sent_bytes;
	kept = w.account.kept_bytes;
	open_connection(&w);
	assert_int_equal(w.account.flows, 2);
	fill_until_kept(&w);
	end_both(&w);
	assert_true(w.account.kept_bytes >= kept);
	read_all(&w);
	assert_int_equal(w.account.flows, 1);
	w.server = first;
	w.sent_bytes = sent;
	read_all(&w);
	finish(&w);
}

/* The container is gone; what it had said properly still arrives. */
static void test_draining_outlives(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	end_both(&w);
	tcp_forget_account(w.tcp, &w.account);
	assert_int_equal(w.account.flows, 0);
	assert_int_equal(w.account.kept_bytes, 0);
	assert_true(w.tcp->kept_bytes > 0);
	read_all(&w);
	finish(&w);
}

/* lwIP's heap is full: a piece that cannot be copied is kept as it came. */
static void test_no_heap(void **state)
{
	static void *parts[PARTS_MAX];
	struct world w;
	size_t kept;
	int count = 0;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	kept = w.account.kept_bytes;
	while (count < PARTS_SCARCE && (parts[count] = lwip_heap_get(PART)))
		count++;
	/* A small segment is a copy, which is not even tried: it is lost as on a wire. */
	assert_int_equal(count, PARTS_SCARCE);
	assert_false(say_data(&w, 10));
	assert_int_equal(w.account.kept_bytes, kept);
	while (count < PARTS_MAX && (parts[count] = lwip_heap_get(PART)))
		count++;
	assert_true(count < PARTS_MAX);
	say(&w, PACKET_ACKED, SMALL);
	assert_true(w.account.kept_bytes >= kept + 65536);
	w.ours += SMALL;
	w.sent_bytes += SMALL;
	while (count > 0)
		lwip_heap_drop(parts[--count]);
	assert_true(say_data(&w, 10));
	end_both(&w);
	read_all(&w);
	finish(&w);
}

/* Beyond the bounds a flow goes on as long as its socket takes all, and begins to keep nothing. */
static void test_bounded(void **state)
{
	struct world w;
	int large = 256 * 1024, i;

	(void)state;
	begin(&w);
	setsockopt(w.tcp->all->socket.fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	w.account.kept_bytes += PLENTY;
	for (i = 0; i < SEGMENTS_MAX && say_data(&w, SEGMENT); i++)
		;
	assert_in_range(i, 1, SEGMENTS_MAX - 1);
	assert_int_equal(w.tcp->kept_bytes, 0);
	w.account.kept_bytes -= PLENTY;
	assert_true(say_data(&w, SEGMENT));
	fill_until_kept(&w);
	end_both(&w);
	read_all(&w);
	finish(&w);
}

/* What has no place is held back with the window shut, and taken once its server reads. */
static void test_held(void **state)
{
	static uint8_t got[65536];
	struct tcp_flow *f;
	struct world w;
	int i;

	(void)state;
	begin(&w);
	f = w.tcp->all;
	w.account.kept_bytes += OVER;
	for (i = 0; i < SEGMENTS_MAX && say_data(&w, SEGMENT); i++)
		turn(&w);
	assert_int_equal(w.acked, w.ours);
	assert_non_null(f->held);
	assert_int_equal(w.shown, 0);
	assert_true(w.account.kept_bytes > OVER + MSS);
	assert_true(w.account.kept_bytes < OVER + SEGMENT);
	/* Once more: it has it already. */
	assert_false(say_data(&w, SEGMENT));
	assert_true(w.account.kept_bytes < OVER + SEGMENT);
	for (i = 0; i < TURNS_MAX && f->held; i++) {
		while (recv(w.server, got, sizeof(got), MSG_DONTWAIT) > 0)
			;
		turn(&w);
	}
	lwip_stack_tick(w.tcp->lwip);
	assert_null(f->held);
	assert_int_equal(w.account.kept_bytes, OVER);
	assert_int_equal(w.acked, w.ours + MSS);
	assert_true(w.shown > 0);
	w.ours += MSS;

	/* Its end goes with it. */
	while (say_data(&w, SEGMENT))
		turn(&w);
	assert_non_null(f->held);
	w.account.kept_bytes -= OVER;
	finish(&w);
}

/* A container that does not read holds no chunk, and is asked whether it does now. */
static void test_unread(void **state)
{
	struct world w;
	uint32_t first;
	int i;

	(void)state;
	begin(&w);
	first = get_small(&w);
	w.shut = true;
	say(&w, PACKET_ACKED, 0);
	assert_int_equal(w.account.chunks, 0);
	assert_int_equal(send(w.server, data, SMALL, 0), SMALL);
	for (i = 0; i < TURNS_MAX && w.theirs == first + SMALL; i++) {
		turn(&w);
		lwip_stack_tick(w.tcp->lwip);
	}
	assert_int_equal(w.theirs, first + SMALL + 1);
	assert_int_equal(w.account.chunks, 0);
	w.theirs--;
	w.shut = false;
	say(&w, PACKET_ACKED, 0);
	for (i = 0; i < TURNS_MAX && w.theirs != first + 2 * SMALL; i++)
		turn(&w);
	assert_int_equal(w.theirs, first + 2 * SMALL);
	say(&w, PACKET_ACKED, 0);
	assert_int_equal(w.account.chunks, 0);
	finish(&w);
}

/* Who is gone takes no part of the window, whichever second it moved its bytes in. */
static void test_short_connections(void **state)
{
	struct tcp_windows *windows;
	struct world w;

	(void)state;
	begin(&w);
	windows = &w.tcp->windows;
	for (int seconds = 0; seconds < 4; seconds++) {
		for (int i = 0; i < seconds; i++) {
			windows->timer.on_time(&windows->timer);
			assert_int_equal(windows->active_before, i < 2);
			/* It rests in the ones after the first. */
			if (i < 1)
				assert_true(say_data(&w, SEGMENT));
		}
		reset(&w);
		assert_null(w.tcp->all);
		assert_int_equal(windows->active, 0);
		assert_int_equal(windows->active_before, 0);
		open_connection(&w);
		assert_int_equal(windows->active, 1);
	}
	finish(&w);
}

/* Or 64 KiB would be 65,536 packets, on an attacker's word. */
static void test_least_segment(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	reset(&w);
	w.mss = 1;
	open_connection(&w);
	assert_int_equal(send(w.server, data, SMALL, 0), SMALL);
	for (int i = 0; i < TURNS_MAX && !w.wire_bytes; i++) {
		turn(&w);
		say(&w, PACKET_ACKED, 0);
	}
	assert_int_equal(w.wire_bytes, 48);
	finish(&w);
}

/* The end is behind the last byte, into however small pieces that segment has to be cut. */
static void test_end_of_narrow(void **state)
{
	struct world w;
	uint32_t first;

	(void)state;
	begin(&w);
	first = get_small(&w);
	w.window = NARROW;	/* it had shown a larger one: segments are made for that */
	say(&w, PACKET_ACKED, 0);
	assert_int_equal(send(w.server, data, SMALL, 0), SMALL);
	shutdown(w.server, SHUT_WR);
	for (int i = 0; i < TURNS_MAX && !w.end; i++) {
		turn(&w);
		lwip_stack_tick(w.tcp->lwip);
		say(&w, PACKET_ACKED, 0);
	}
	assert_int_equal(w.end - first, 2 * SMALL + 1);
	finish(&w);
}

/* The server reads it at once: true when the window moved. */
static bool passes(struct world *w)
{
	static uint8_t got[SEGMENT];
	uint32_t edge = w->edge;
	size_t sum = 0;
	ssize_t n;

	say(w, PACKET_ACKED, STEP);
	w->ours += STEP;
	for (int i = 0; i < TURNS_MAX && sum < STEP; turn(w), i++)
		if ((n = recv(w->server, got, sizeof(got), MSG_DONTWAIT)) > 0)
			sum += (size_t)n;
	assert_int_equal(sum, STEP);
	return w->edge != edge;
}

/* One of many that fill their windows is told rarely, until it was found to wait for that. */
static void test_steps_of_many(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.tcp->windows.active_before = 1000;
	for (int i = 1; i < 2 * STEPS; i++)
		assert_int_equal(passes(&w), i <= STEPS || i == 2 * STEPS - 1);
	assert_false(passes(&w));
	assert_int_not_equal(w.acked, w.ours);
	lwip_stack_tick(w.tcp->lwip);
	assert_int_equal(w.acked, w.ours);
	assert_true(passes(&w));
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draining_counts),
		cmocka_unit_test(test_draining_outlives),
		cmocka_unit_test(test_no_heap),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_short_connections),
		cmocka_unit_test(test_least_segment),
		cmocka_unit_test(test_end_of_narrow),
		cmocka_unit_test(test_steps_of_many),
	};
	size_t i;

	for (i = 0; i < SEGMENT; i++)
		data[i] = (uint8_t)(i * 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
