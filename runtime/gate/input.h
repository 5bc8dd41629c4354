/* input.h - from frame to protocol: each packet of the TUN device to the one who handles its kind.
 *
 * Reads it (packet.h), puts fragments together again (reassembly.h, bounded) and hands on.
 * What is malformed is dropped and counted. */
#pragma once

#include <stdint.h>

struct err;
struct frame;
struct frame_pool;
struct input;
struct loop;
struct packet;

typedef void input_packet_fn(void *ctx, const struct packet *p, struct frame *f);

struct input_setup {
	struct loop *loop;
	struct frame_pool *pool;
	void *ctx;
	input_packet_fn *tcp, *udp, *icmp; /* icmp: both families' */
	input_packet_fn *other;		   /* any other protocol; NULL is fine */
	/* Sees every packet before it is handled, for counters; NULL is fine. */
	input_packet_fn *seen;
};

struct input *input_create(const struct input_setup *setup);
void input_destroy(struct input *in); /* NULL is fine */

/* A tun_frame_fn: ctx is the struct input. */
void input_frame(void *input, struct frame *f);
uint64_t input_malformed(const struct input *in);
