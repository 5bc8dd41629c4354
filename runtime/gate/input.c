#include "gate/input.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "gate/frame.h"
#include "gate/packet.h"

struct input {
	struct input_setup setup;
	uint64_t malformed;
};

struct input *input_create(const struct input_setup *setup)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		abort();
	in->setup = *setup;
	return in;
}

void input_destroy(struct input *in)
{
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
	if (!p.fragment)
		hand_on(in, &p, f);
}
