/* fuzz_gate.c - what a container may send into the TUN device: any bytes, and segments that fit a
 * connection. The input is a row of commands:
 *
 *   0 SIZE16 BYTES     a frame as it is
 *   1 FLAGS SEQ16 ACK16 WINDOW16 OPTIONS4 SIZE16   a segment to the echo service; SEQ and ACK are
 *                      added to what fits
 *   2                  time passes
 *
 * The echo service answers from within lwIP, so all of its output is exercised as well. */
#include <inttypes.h>
#include <netinet/in.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/icmp.h"
#include "gate/input.h"
#include "gate/packet.h"
#include "gate/tcp.h"
#include "gate/tcp_flow.h"
#include "gate/tun.h"
#include "gate/udp.h"
#include "lib/err.h"
#include "lib/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
uint64_t fuzz_count(void);

/* SECURITY F1 counts frames, not inputs; how far they came is said with it. */
static struct {
	uint64_t frames, malformed, tcp, conversation, udp, icmp, joined, refused, sent;
} seen;

struct world {
	struct loop *loop;
	struct frame_pool *pool;
	struct tun *tun;
	struct flow_table *flows;
	struct input *input;
	struct tcp *tcp;
	struct udp *udp;
	struct icmp *icmp;
	const struct frame *in; /* the one that is being read */
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

static const struct tcp_service echo = { .on_open = echo_open,
					 .on_bytes = echo_bytes,
					 .on_end = echo_end };

static void decide(void *ctx, const struct packet *syn, struct tcp_ruling *ruling)
{
	struct world *w = ctx;

	(void)syn;
	*ruling = (struct tcp_ruling){ .verdict = TCP_SERVE,
				       .payer.account = &w->account,
				       .service = &echo };
	if (syn->to_port & 1)
		ruling->verdict = syn->to_port & 2 ? TCP_IGNORE : TCP_REFUSE;
}

/* A service of ours (DNS): the same bytes as the answer. None knows what to send to port 0. */
static void on_datagram(void *ctx, const struct packet *p)
{
	struct world *w = ctx;

	if (p->from_port)
		udp_answer(w->udp, &p->to, p->to_port, &p->from, p->from_port, p->payload,
			   p->payload_bytes);
}

/* Nothing goes outside: what is let through is served. */
static void decide_udp(void *ctx, const struct packet *first, struct udp_ruling *ruling)
{
	static struct udp_service service = { .on_datagram = on_datagram };
	struct world *w = ctx;

	service.ctx = w;
	*ruling = (struct udp_ruling){ .verdict = UDP_SERVE,
				       .payer.account = &w->account,
				       .service = &service };
	/* Not DNS's. */
	if (first->to_port & 8)
		ruling->verdict = first->to_port & 4 ? UDP_FORBID : UDP_REFUSE;
	seen.refused += ruling->verdict != UDP_SERVE;
}

static void decide_icmp(void *ctx, const struct packet *first, struct icmp_ruling *ruling)
{
	struct world *w = ctx;

	*ruling = (struct icmp_ruling){ .verdict = first->icmp_id & 1 ? ICMP_FORBID : ICMP_ANSWER,
					.payer.account = &w->account };
}

static void on_tcp(void *ctx, const struct packet *p, struct frame *f)
{
	struct world *w = ctx;

	seen.tcp++;
	seen.joined += f != w->in;
	tcp_input_packet(w->tcp, p, f);
}

static void on_udp(void *ctx, const struct packet *p, struct frame *f)
{
	struct world *w = ctx;

	seen.udp++;
	seen.joined += f != w->in;
	udp_input_packet(w->udp, p, f);
}

static void on_icmp(void *ctx, const struct packet *p, struct frame *f)
{
	struct world *w = ctx;

	seen.icmp++;
	seen.joined += f != w->in;
	icmp_input_packet(w->icmp, p, f);
}

/* What goes out must itself be a packet that we would read. */
static void on_sent(void *ctx, const struct tun_offload *o, const struct iovec *pieces, int count)
{
	struct world *w = ctx;
	static uint8_t bytes[70000];
	struct packet p;
	size_t size = 0;
	int i;

	seen.sent++;
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

uint64_t fuzz_count(void)
{
	return seen.frames;
}

static void __attribute__((destructor)) say_seen(void)
{
	fprintf(stderr,
		"stat::frames: %" PRIu64 "\n"
		"stat::ways: %" PRIu64 " malformed, %" PRIu64 " TCP (%" PRIu64
		" of the conversation), %" PRIu64 " UDP (%" PRIu64 " refused), %" PRIu64
		" ICMP, %" PRIu64 " were put together, %" PRIu64 " came out\n",
		seen.frames, seen.malformed, seen.tcp, seen.conversation, seen.udp, seen.refused,
		seen.icmp, seen.joined, seen.sent);
}

enum { BEHIND_BYTES = 128 };

/* No byte behind its end is anybody's, until the frame is given to the next one. */
static void feed(struct world *w, const uint8_t *bytes, size_t size)
{
	struct frame *f = frame_get(w->pool);
	size_t behind = FRAME_BYTES_MAX - size;

	/* All kept by lwIP: nothing is read, as from the real device. */
	if (!f)
		return;
	seen.frames++;
	memcpy(f->bytes, bytes, size);
	f->size_bytes = (uint32_t)size;
	w->in = f;
	behind = behind < BEHIND_BYTES ? behind : BEHIND_BYTES;
	ASAN_POISON_MEMORY_REGION(f->bytes + size, behind);
	input_frame(w->input, f);
	ASAN_UNPOISON_MEMORY_REGION(f->bytes + size, behind);
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
	seen.conversation++;
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

static void begin(struct world *w)
{
	struct input_setup inputs = { .ctx = w, .tcp = on_tcp, .udp = on_udp, .icmp = on_icmp };
	struct tcp_setup tcp = { .mtu = 1500, .decide = decide, .ctx = w };
	struct udp_setup udp = { .decide = decide_udp, .ctx = w };
	struct icmp_setup icmp = { .decide = decide_icmp, .ctx = w };
	struct err e;

	/* These know nothing of what was before. */
	if (!w->loop) {
		w->loop = loop_create(&e);
		w->pool = frame_pool_create(64);
	}
	w->account = (struct flow_account){ .flows_max = 64 };
	w->our_next = w->their_next = 0;
	w->flows = flow_table_create(256);
	w->tun = tun_create_memory(w->pool, on_sent, w);
	tun_set_mtu(w->tun, 1500);
	inputs.pool = w->pool;
	inputs.loop = tcp.loop = udp.loop = icmp.loop = w->loop;
	tcp.flows = udp.flows = icmp.flows = w->flows;
	tcp.tun = udp.tun = icmp.tun = w->tun;
	tcp.gateway4 = udp.gateway4 = icmp.gateway4 = address_of_bytes("\x0a\0\0\1", 4);
	address_parse("fd00::1", &tcp.gateway6);
	udp.gateway6 = icmp.gateway6 = tcp.gateway6;
	w->input = input_create(&inputs);
	w->tcp = tcp_create(&tcp);
	w->udp = udp_create(&udp);
	w->icmp = icmp_create(&icmp);
}

/* Nothing stays of anybody. */
static void end(struct world *w)
{
	seen.malformed += input_malformed(w->input);
	icmp_destroy(w->icmp);
	udp_destroy(w->udp);
	tcp_destroy(w->tcp);
	input_destroy(w->input);
	if (w->account.flows != 0 || w->account.handshakes != 0 || flow_table_count(w->flows) != 0)
		abort();
	flow_table_destroy(w->flows);
	tun_destroy(w->tun);
	if (frame_pool_scarce(w->pool))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	begin(&w);
	run(&w, data, size);
	end(&w);
	return 0;
}
