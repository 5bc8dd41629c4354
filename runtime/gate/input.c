#include "gate/input.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "gate/frame.h"
#include "gate/packet.h"
#include "gate/reassembly.h"
#include "lib/loop.h"

enum { TICK_MS = 1000 };

struct input {
	struct input_setup setup;
	struct reassembly *reassembly;
	struct loop_timer ticking;
	uint64_t malformed;
};

static void on_time(struct loop_timer *timer)
{
	struct input *in = owner_of(timer, struct input, ticking);

	reassembly_tick(in->reassembly);
	if (!reassembly_idle(in->reassembly))
		loop_timer_set(in->setup.loop, &in->ticking, TICK_MS);
}

struct input *input_create(const struct input_setup *setup)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		abort();
	in->setup = *setup;
	in->reassembly = reassembly_create(setup->pool);
	in->ticking.on_time = on_time;
	return in;
}

void input_destroy(struct input *in)
{
	if (!in)
		return;
	loop_timer_off(&in->ticking);
	reassembly_destroy(in->reassembly);
	free(in);
}

uint64_t input_malformed(const struct input *in)
{
	return in->malformed;
}

static void hand_on(struct input *in, const struct packet *p, struct frame *f)
{
	input_packet_fn *to = in->setup.other;

	if (p->protocol == IPPROTO_TCP)
		to = in->setup.tcp;
	else if (p->protocol == IPPROTO_UDP)
		to = in->setup.udp;
	else if (p->protocol == (p->from.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		to = in->setup.icmp;
	if (to)
		to(in->setup.ctx, p, f);
}

static void join(struct input *in, const struct packet *piece)
{
	struct frame *f = reassembly_add(in->reassembly, piece);
	struct packet p;

	if (!f) {
		if (in->setup.loop && !in->ticking.loop)
			loop_timer_set(in->setup.loop, &in->ticking, TICK_MS);
		return;
	}
	/* What is whole is no fragment again: an IPv6 header could say so, and would be malformed.
	 */
	if (packet_parse(&p, f->bytes, f->size_bytes) == PACKET_GOOD && !p.fragment)
		hand_on(in, &p, f);
	else
		in->malformed++;
	frame_drop(f);
}

void input_frame(void *input, struct frame *f)
{
	struct input *in = input;
	struct packet p;

	if (packet_parse(&p, f->bytes, f->size_bytes) != PACKET_GOOD) {
		in->malformed++;
		return;
	}
	if (in->setup.seen)
		in->setup.seen(in->setup.ctx, &p, f);
	if (p.fragment)
		join(in, &p);
	else
		hand_on(in, &p, f);
}
