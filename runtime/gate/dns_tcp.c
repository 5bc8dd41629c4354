#include "gate/dns_tcp.h"

#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/dns.h"
#include "gate/flow.h"
#include "gate/tcp.h"
#include "lib/buf.h"
#include "lib/loop.h"

enum {
	QUESTIONS_MAX = 100,	/* on their way, of one connection */
	QUESTION_BYTES_MAX = 1024, /* no question of ours is longer: name, type, OPT with options */
	IDLE_MS = 30000,
	WAITING_MAX = 256 << 10,	/* two large answers for a getaddrinfo(3), and some more */
	WAITING_ALL_MAX = 8 << 20,	/* of one container: as much as is left (flow.h) */
};

/* A message with its length, for which the connection has no room yet. */
struct waiting {
	struct waiting *next;
	size_t size_bytes;
	uint8_t bytes[];
};

struct connection {
	struct dns_tcp *t;
	struct connection *next, **back;
	struct tcp_peer *peer;
	struct flow_account *account;
	struct address from;
	struct loop_timer idle;
	struct buf in;
	struct asked *asked;
	int asked_count;
	struct waiting *waiting, **waiting_end;
	size_t waiting_bytes;
	bool reading;			/* questions: they may be answered meanwhile */
	bool closing;			/* no more questions are read */
};

struct asked {
	struct dns_client client;
	struct connection *c;
	struct asked *next, **back;
};

struct dns_tcp {
	struct loop *loop;
	struct dns *dns;
	dns_tcp_who_fn *who;
	void *ctx;
	struct tcp_service service;
	struct connection *connections;
	size_t waiting_bytes;		/* of all connections */
};

static void asked_free(struct asked *a)
{
	*a->back = a->next;
	if (a->next)
		a->next->back = a->back;
	a->c->asked_count--;
	free(a);
}

static void waiting_drop(struct connection *c)
{
	struct waiting *w = c->waiting;

	c->waiting = w->next;
	if (!c->waiting)
		c->waiting_end = &c->waiting;
	c->waiting_bytes -= w->size_bytes;
	c->t->waiting_bytes -= w->size_bytes;
	c->account->answers_bytes -= w->size_bytes;
	free(w);
}

static void connection_free(struct connection *c)
{
	while (c->waiting)
		waiting_drop(c);
	while (c->asked) {
		dns_forget(&c->asked->client);
		asked_free(c->asked);
	}
	loop_timer_off(&c->idle);
	buf_finish(&c->in);
	*c->back = c->next;
	if (c->next)
		c->next->back = c->back;
	free(c);
}

/* From our side: what was sent still goes. */
static void hang_up(struct connection *c)
{
	tcp_peer_close(c->peer);
	connection_free(c);
}

static void on_idle(struct loop_timer *timer)
{
	hang_up(owner_of(timer, struct connection, idle));
}

static void waiting_add(struct connection *c, const void *message, size_t size_bytes)
{
	struct waiting *w = malloc(sizeof(*w) + 2 + size_bytes);

	if (!w)
		abort();
	w->next = NULL;
	w->size_bytes = 2 + size_bytes;
	w->bytes[0] = size_bytes >> 8;
	w->bytes[1] = size_bytes;
	memcpy(w->bytes + 2, message, size_bytes);
	*c->waiting_end = w;
	c->waiting_end = &w->next;
	c->waiting_bytes += w->size_bytes;
	c->t->waiting_bytes += w->size_bytes;
	c->account->answers_bytes += w->size_bytes;
}

/* One that reads its answers has none that wait: those that others leave are not its own. */
static bool waiting_is_too_much(const struct connection *c)
{
	return c->waiting_bytes > WAITING_MAX ||
	       (c->waiting &&
		c->t->waiting_bytes + c->account->answers_bytes > WAITING_ALL_MAX);
}

static void on_room(void *conversation)
{
	struct connection *c = conversation;

	while (c->waiting &&
	       tcp_peer_send(c->peer, c->waiting->bytes, c->waiting->size_bytes) == 0)
		waiting_drop(c);
}

static void on_answer(struct dns_client *client, const void *message, size_t size_bytes)
{
	struct asked *a = owner_of(client, struct asked, client);
	struct connection *c = a->c;

	asked_free(a);
	if (message && !c->closing) {
		waiting_add(c, message, size_bytes);
		on_room(c);
	}
	/* One that does not read its answers gets no more of them. */
	if (!message || waiting_is_too_much(c))
		c->closing = true;
	if (c->closing && !c->reading)
		hang_up(c);
}

static void ask(struct connection *c, const uint8_t *message, size_t size_bytes)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->c = c;
	a->client.container = c->t->who(c->t->ctx, &c->from);
	a->client.tcp = true;
	a->client.on_answer = on_answer;
	a->next = c->asked;
	a->back = &c->asked;
	if (a->next)
		a->next->back = &a->next;
	c->asked = a;
	c->asked_count++;
	dns_ask(c->t->dns, &a->client, message, size_bytes);
}

static void *on_open(void *ctx, struct tcp_peer *peer, const struct address *from, uint16_t port)
{
	struct dns_tcp *t = ctx;
	struct connection *c = calloc(1, sizeof(*c));

	(void)port;
	if (!c)
		abort();
	c->t = t;
	c->peer = peer;
	c->account = tcp_peer_account(peer);
	c->from = *from;
	c->idle.on_time = on_idle;
	c->waiting_end = &c->waiting;
	buf_init(&c->in, 2 + QUESTION_BYTES_MAX);
	c->next = t->connections;
	c->back = &t->connections;
	if (c->next)
		c->next->back = &c->next;
	t->connections = c;
	loop_timer_set(t->loop, &c->idle, IDLE_MS);
	return c;
}

/* Takes one question out of what came; false: it is not whole yet, or there will be none. */
static bool take_question(struct connection *c)
{
	const uint8_t *in = (const uint8_t *)c->in.data;
	uint8_t message[QUESTION_BYTES_MAX];
	size_t size;

	if (c->closing || c->in.size_bytes < 2)
		return false;
	size = (size_t)in[0] << 8 | in[1];
	if (size > QUESTION_BYTES_MAX || c->asked_count == QUESTIONS_MAX) {
		c->closing = true;
		return false;
	}
	if (c->in.size_bytes - 2 < size)
		return false;
	memcpy(message, in + 2, size);
	buf_drop_front(&c->in, 2 + size);
	loop_timer_set(c->t->loop, &c->idle, IDLE_MS);
	ask(c, message, size);
	return true;
}

static void on_bytes(void *conversation, const uint8_t *bytes, size_t size_bytes)
{
	struct connection *c = conversation;
	size_t take;

	c->reading = true;
	while (size_bytes > 0 && !c->closing) {
		take = c->in.max_bytes - c->in.size_bytes;
		take = take < size_bytes ? take : size_bytes;
		buf_add(&c->in, bytes, take);
		bytes += take;
		size_bytes -= take;
		while (take_question(c))
			;
	}
	c->reading = false;
	if (c->closing)
		hang_up(c);
}

static void on_end(void *conversation)
{
	connection_free(conversation);
}

struct dns_tcp *dns_tcp_create(struct loop *loop, struct dns *dns, dns_tcp_who_fn *who, void *ctx)
{
	struct dns_tcp *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->loop = loop;
	t->dns = dns;
	t->who = who;
	t->ctx = ctx;
	t->service = (struct tcp_service){
		.ctx = t, .on_open = on_open, .on_bytes = on_bytes, .on_room = on_room,
		.on_end = on_end
	};
	return t;
}

void dns_tcp_destroy(struct dns_tcp *t)
{
	if (!t)
		return;
	while (t->connections)
		hang_up(t->connections);
	free(t);
}

const struct tcp_service *dns_tcp_service(const struct dns_tcp *t)
{
	return &t->service;
}
