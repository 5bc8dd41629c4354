/* fuzz_gate.c - what a container may send into the TUN device: any bytes, and segments that fit a
 * connection. The input is a row of commands:
 *
 *   0 SIZE16 BYTES     a frame as it is
 *   1 FLAGS SEQ16 ACK16 WINDOW16 OPTIONS4 SIZE16   a segment to the echo service; SEQ and ACK are
 *                      added to what fits
 *   2                  time passes
 *
 * The echo service answers from within lwIP, so all of its output is exercised as well. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/input.h"
#include "gate/packet.h"
#include "gate/tcp.h"
#include "gate/tcp_flow.h"
#include "gate/tun.h"
#include "lib/err.h"
#include "lib/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct loop *loop;
	struct frame_pool *pool;
	struct tun *tun;
	struct input *input;
	struct tcp *tcp;
	struct flow_account account;
	uint32_t their_next; /* what the gateway has sent up to */
	uint32_t our_next;
};

static void *echo_open(void *ctx, struct tcp_peer *peer, const struct address *from, uint16_t port)
{
	(void)ctx;
	(void)from;
	(void)port;
	return peer;
}

static void echo_bytes(void *conversation, const uint8_t *bytes, size_t size_bytes)
{
	if (tcp_peer_send(conversation, bytes, size_bytes) < 0)
		tcp_peer_close(conversation);
}

static void echo_end(void *conversation)
{
	(void)conversation;
}

static const struct tcp_service echo = { NULL, echo_open, echo_bytes, echo_end };

static void decide(void *ctx, const struct packet *syn, struct tcp_ruling *ruling)
{
	struct world *w = ctx;

	(void)syn;
	*ruling = (struct tcp_ruling){ .verdict = TCP_SERVE,
				       .payer.account = &w->account,
				       .service = &echo };
	if (syn->to_port & 1)
		ruling->verdict = syn->to_port & 2 ? TCP_FORBID : TCP_REFUSE;
}

static void on_tcp(void *ctx, const struct packet *p, struct frame *f)
{
	struct world *w = ctx;

	tcp_input_packet(w->tcp, p, f);
}

/* What goes out must itself be a packet that we would read. */
static void on_sent(void *ctx, const struct tun_offload *o, const struct iovec *pieces, int count)
{
	struct world *w = ctx;
	static uint8_t bytes[70000];
	struct packet p;
	size_t size = 0;
	int i;

	for (i = 0; i < count; i++) {
		if (size + pieces[i].iov_len > sizeof(bytes))
			abort();
		memcpy(bytes + size, pieces[i].iov_base, pieces[i].iov_len);
		size += pieces[i].iov_len;
	}
	if (packet_parse(&p, bytes, size) != PACKET_GOOD || p.ip_bytes != size)
		abort();
	if (o && o->checksum_offset && (size_t)o->checksum_start + o->checksum_offset + 2 > size)
		abort();
	if (o && o->segment_bytes && p.payload_bytes <= o->segment_bytes)
		abort();
	if (p.protocol == IPPROTO_TCP)
		w->their_next = p.tcp_seq + (uint32_t)p.payload_bytes +
				!!(p.tcp_flags & (PACKET_SYN | PACKET_FIN));
}

static uint16_t take16(const uint8_t **at)
{
	uint16_t value = (uint16_t)((*at)[0] << 8 | (*at)[1]);

	*at += 2;
	return value;
}

/* SECURITY F1 counts them, not inputs. */
static unsigned long frames;

static void __attribute__((destructor)) say_frames(void)
{
	fprintf(stderr, "stat::frames: %lu\n", frames);
}

static void feed(struct world *w, const uint8_t *bytes, size_t size)
{
	struct frame *f = frame_get(w->pool);

	/* All kept by lwIP: nothing is read, as from the real device. */
	if (!f)
		return;
	frames++;
	memcpy(f->bytes, bytes, size);
	f->size_bytes = (uint32_t)size;
	input_frame(w->input, f);
	frame_drop(f);
}

enum { SEGMENT_COMMAND = 13, PAYLOAD_MAX = 20000 };

static void put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static void feed_segment(struct world *w, const uint8_t *at)
{
	static uint8_t packet[20 + 24 + PAYLOAD_MAX];
	struct address from = address_of_bytes("\x0a\0\0\2", 4),
		       to = address_of_bytes("\x0a\0\0\1", 4);
	uint8_t flags = *at++;
	uint32_t seq = w->our_next + (uint32_t)(int16_t)take16(&at);
	uint32_t ack = w->their_next + (uint32_t)(int16_t)take16(&at);
	uint16_t window = take16(&at), size;
	uint8_t *tcp = packet + 20;

	memcpy(tcp + 20, at, 4);
	at += 4;
	size = take16(&at) % PAYLOAD_MAX;
	packet_build_ip(packet, &from, &to, IPPROTO_TCP, 24u + size);
	put32(tcp, 0x9c400000 | 80);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = 6 << 4;
	tcp[13] = flags & 63;
	tcp[14] = (uint8_t)(window >> 8);
	tcp[15] = (uint8_t)window;
	tcp[16] = tcp[17] = tcp[18] = tcp[19] = 0;
	feed(w, packet, 44u + size);
	w->our_next = seq + size + !!(flags & (PACKET_SYN | PACKET_FIN));
}

static void run(struct world *w, const uint8_t *at, size_t size)
{
	const uint8_t *end = at + size;
	uint16_t length;

	while (at < end) {
		switch (*at++ % 3) {
		case 0:
			if (end - at < 2)
				return;
			length = take16(&at);
			if (length > end - at)
				length = (uint16_t)(end - at);
			feed(w, at, length);
			at += length;
			break;
		case 1:
			if (end - at < SEGMENT_COMMAND)
				return;
			feed_segment(w, at);
			at += SEGMENT_COMMAND;
			break;
		default:
			lwip_stack_tick(w->tcp->lwip);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input_setup inputs = { .ctx = &w, .tcp = on_tcp };
	struct tcp_setup setup = { .mtu = 1500, .decide = decide, .ctx = &w };
	struct err e;

	/* These know nothing of what was before. */
	if (!w.loop) {
		w.loop = loop_create(&e);
		w.pool = frame_pool_create(64);
	}
	w.account = (struct flow_account){ .flows_max = 64 };
	w.our_next = w.their_next = 0;
	inputs.pool = w.pool;
	w.tun = setup.tun = tun_create_memory(w.pool, on_sent, &w);
	inputs.loop = setup.loop = w.loop;
	setup.flows = flow_table_create(256);
	setup.gateway4 = address_of_bytes("\x0a\0\0\1", 4);
	address_parse("fd00::1", &setup.gateway6);
	w.input = input_create(&inputs);
	w.tcp = tcp_create(&setup, &e);
	run(&w, data, size);
	tcp_destroy(w.tcp);
	input_destroy(w.input);
	if (w.account.flows != 0 || w.account.handshakes != 0 || flow_table_count(setup.flows) != 0)
		abort();
	flow_table_destroy(setup.flows);
	tun_destroy(w.tun);
	if (frame_pool_scarce(w.pool))
		abort();
	return 0;
}
