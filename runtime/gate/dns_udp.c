#include "gate/dns_udp.h"

#include <stdlib.h>

#include "gate/dns.h"
#include "gate/packet.h"
#include "gate/udp.h"
#include "lib/loop.h"

/* A question on its way: freed when it is answered. Bounded by dns.h. */
struct asked {
	struct dns_client client;
	struct dns_udp *u;
	struct address from, to;
	uint16_t from_port, to_port;
	struct asked *next, **back;
};

struct dns_udp {
	struct dns *dns;
	struct udp *udp;
	dns_udp_who_fn *who;
	void *ctx;
	struct asked *asked;
};

struct dns_udp *dns_udp_create(struct dns *dns, struct udp *udp, dns_udp_who_fn *who, void *ctx)
{
	struct dns_udp *u = calloc(1, sizeof(*u));

	if (!u)
		abort();
	u->dns = dns;
	u->udp = udp;
	u->who = who;
	u->ctx = ctx;
	return u;
}

static void asked_free(struct asked *a)
{
	*a->back = a->next;
	if (a->next)
		a->next->back = a->back;
	free(a);
}

void dns_udp_destroy(struct dns_udp *u)
{
	if (!u)
		return;
	while (u->asked) {
		dns_forget(&u->asked->client);
		asked_free(u->asked);
	}
	free(u);
}

static void on_answer(struct dns_client *client, const void *message, size_t size_bytes)
{
	struct asked *a = owner_of(client, struct asked, client);

	if (message)
		udp_answer(a->u->udp, &a->to, a->to_port, &a->from, a->from_port, message,
			   size_bytes);
	asked_free(a);
}

void dns_udp_datagram(void *dns_udp, const struct packet *p)
{
	struct dns_udp *u = dns_udp;
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->u = u;
	a->client.container = u->who(u->ctx, p);
	a->client.on_answer = on_answer;
	a->from = p->from;
	a->to = p->to;
	a->from_port = p->from_port;
	a->to_port = p->to_port;
	a->next = u->asked;
	a->back = &u->asked;
	if (a->next)
		a->next->back = &a->next;
	u->asked = a;
	dns_ask(u->dns, &a->client, p->payload, p->payload_bytes);
}
