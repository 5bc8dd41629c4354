#include "gate/carrier.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "gate/bulk.h"
#include "gate/pipes.h"
#include "gate/relay.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/msg.h"

struct carrier;

struct carried {
	struct carrier *by; /* NULL: the slot is free */
	struct relay relay;
};

struct carrier {
	struct loop *loop;
	struct loop_source channel;
	struct pipes *pipes;
	struct bulk bulk;
	struct carrier_count *counts;
	struct carried carried[CARRIER_SLOTS];
	unsigned used;
	struct err *e; /* why it ends, if that is an error */
	bool failed;
};

static void fail(struct carrier *c)
{
	c->failed = true;
	loop_stop(c->loop);
}

/* Blocking: the gateway always reads. */
static void say(struct carried *one, enum carrier_message type, uint64_t state)
{
	struct carrier *c = one->by;
	struct msg m;

	msg_init(&m, type);
	msg_put_u64(&m, (uint64_t)(one - c->carried));
	msg_put_u64(&m, state);
	one->by = NULL;
	/* Of what its user may have in pipes those who rest keep none: each network has several. */
	if (--c->used == 0)
		pipes_rest(c->pipes);
	/* EPIPE: the gateway is gone, and on_channel is about to learn it. */
	if (msg_send(c->channel.fd, &m, c->e) < 0 && c->e->number != EPIPE)
		fail(c);
}

static void on_end(struct relay *r)
{
	struct carried *one = owner_of(r, struct carried, relay);

	say(one, CARRIER_OVER, r->was_reset);
}

static void on_empty(struct relay *r)
{
	struct carried *one = owner_of(r, struct carried, relay);
	struct relay_state state = relay_state_now(r);
	int i;

	if (!r->asked && relay_flows(r))
		return;
	relay_release(r);
	/* Not their end: the gateway has them too. */
	for (i = 0; i < 2; i++)
		fd_close(&r->ends[i].source.fd);
	say(one, CARRIER_BACK, relay_state_bits(&state));
}

static void carry(struct carrier *c, struct carried *one, uint64_t state, struct msg *m)
{
	struct carrier_count *count = &c->counts[one - c->carried];
	int first_fd = msg_take_fd(m), second_fd = msg_take_fd(m);
	const struct relay_setup setup = {
		.loop = c->loop,
		.pipes = c->pipes,
		.bulk = &c->bulk,
		.fds = { first_fd, second_fd },
		.counters = { &count->bytes[0], &count->bytes[1] },
		.on_end = on_end,
		.on_empty = on_empty,
		.state = relay_state_of(state),
	};

	one->by = c;
	c->used++;
	if (relay_start(&one->relay, &setup, c->e) < 0)
		say(one, CARRIER_OVER, true);
}

static void drop(struct carried *one)
{
	if (!one->by)
		return;
	relay_abort(&one->relay);
	say(one, CARRIER_OVER, true);
}

static void want(struct carried *one)
{
	if (one->by)
		relay_ask_empty(&one->relay);
}

/* What else is said of a slot that is free came too late: its answer is on its way. */
static int obey(struct carrier *c, struct msg *m)
{
	uint64_t slot = msg_get_u64(m), state = msg_get_u64(m);
	struct carried *one = slot < CARRIER_SLOTS ? &c->carried[slot] : NULL;

	if (msg_end(m, c->e) < 0)
		return -1;
	if (one && m->type == CARRIER_CARRY && !one->by && m->fd_count == 2)
		carry(c, one, state, m);
	else if (one && m->type == CARRIER_WANTED)
		want(one);
	else if (one && m->type == CARRIER_DROP)
		drop(one);
	else
		return err_set(c->e, "the gateway said %u of slot %ju", m->type, (uintmax_t)slot);
	return 0;
}

static void on_channel(struct loop_source *source, unsigned events)
{
	struct carrier *c = owner_of(source, struct carrier, channel);
	struct msg m;
	int result = msg_receive(source->fd, &m, c->e);

	(void)events;
	if (result > 0) {
		if (obey(c, &m) < 0)
			fail(c);
		msg_finish(&m);
		return;
	}
	/* A gateway that was killed had not read all that was said to it. */
	c->failed = result < 0 && c->e->number != ECONNRESET;
	loop_stop(c->loop);
}

static void finish(struct carrier *c)
{
	unsigned i;

	for (i = 0; i < CARRIER_SLOTS; i++)
		if (c->carried[i].by)
			relay_abort(&c->carried[i].relay);
	loop_remove(&c->channel);
	pipes_destroy(c->pipes);
	loop_destroy(c->loop);
	free(c);
}

int carrier_run(int channel_fd, struct carrier_count counts[CARRIER_SLOTS],
		void (*enter_jail)(void), struct err *e)
{
	struct carrier *c = calloc(1, sizeof(*c));
	int result;

	if (!c)
		abort();
	c->counts = counts;
	c->e = e;
	c->channel = (struct loop_source){ .fd = channel_fd, .on_event = on_channel };
	c->loop = loop_create(e);
	if (!c->loop) {
		free(c);
		return -1;
	}
	c->pipes = pipes_create();
	bulk_init(&c->bulk, c->loop, BULK_ROUNDS);
	enter_jail();
	result = loop_add(c->loop, &c->channel, LOOP_READ, e) < 0 || loop_run(c->loop, e) < 0 ||
				 c->failed
			 ? -1
			 : 0;
	finish(c);
	return result;
}
