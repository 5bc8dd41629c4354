/* dns.h - the network's DNS server: names of the containers here, the rest asked of the machine's
 * resolvers.
 *
 *   question -> dns_message (strict parse) -> dns_zones, dns_names (members, gateway, SRV, reverse;
 * of other networks too that the asker is on): answered
 *            -> dns_cache: answered, TTLs counted down
 *            -> dns_forward: a socket with a random port and a random id per question; UDP, then
 *               TCP when the answer was cut or the client came by TCP; the next resolver
 *               after 1.5 s; one that did not answer is asked last for 30 s; none left:
 *               SERVFAIL at once.
 *
 * Bounds: questions on their way 512 (128 clients per container), cache 4096 entries
 * and 2 MiB, names DNS_NAMES_MAX, of neighbours as many: no one whom netd tells of is left out.
 * An internal network forwards nothing: NXDOMAIN; one without resolvers neither: SERVFAIL.
 * Transport is the caller's: udp.c and tcp's server hand whole messages in and get whole messages.
 * RFC 1034, 1035, 2181, 2308, 2782, 5452, 6891, 7766, 9267. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/dns_message.h"

struct address;
struct dns;
struct dns_asker;
struct dns_client;
struct dns_forward;
struct dns_member;
struct err;
struct loop;
struct subnet;

/* The answer, whole; NULL: there is none, drop the question. The client is done and may be freed.
 * Called exactly once, perhaps within dns_ask, but for clients that were forgotten. */
typedef void dns_answer_fn(struct dns_client *client, const void *message, size_t size_bytes);

/* Embedded in whoever asks; alive until it was answered or dns_forget. */
struct dns_client {
	const char *container;	/* who asks: its key, borrowed during dns_ask; NULL = nobody's */
	bool tcp;
	dns_answer_fn *on_answer;
	/* private */
	struct dns_query query;
	struct dns_asker *asker;
	struct dns_forward *asked;	/* the question on its way that this waits for */
	struct dns_client *next;
};

/* What the server does that its owner may want to know. All may be NULL; container is NULL for a
 * client that is nobody's. */
struct dns_hooks {
	void *ctx;
	/* A name of outside was given out with this address, until then (policy_learn). */
	void (*on_address)(void *ctx, const char *container, const char *name,
			   const struct address *address, uint64_t until_ms);
	/* A question came; forwarded: it goes outside. For counters. */
	void (*on_question)(void *ctx, const char *container, bool forwarded);
	/* May this container's own resolver be asked (dns_set_member_resolvers)? */
	bool (*may_ask)(void *ctx, const char *container, const struct address *resolver);
	/* It may not, and a question would have gone to it: once of each resolver. */
	void (*on_unasked)(void *ctx, const char *container, const struct address *resolver);
	/* May this name of outside be asked for? No: REFUSED, even when its answer is known. */
	bool (*may_name)(void *ctx, const char *container, const struct dns_name *name);
	/* Shall this container's questions be logged? */
	bool (*logs)(void *ctx, const char *container);
	uint16_t resolver_port;	/* 0: 53 */
};

/* hooks is copied. */
struct dns *dns_create(struct loop *loop, const struct dns_hooks *hooks);
void dns_destroy(struct dns *d); /* NULL is fine; clients are forgotten without an answer */

/* search: "" = none; "lab" makes web.lab the same as web. gateways, subnets: what `gateway`,
 * `host.docker.internal` and reverse names mean; a reverse name inside of a subnet is never
 * forwarded. */
void dns_set_network(struct dns *d, bool internal, const char *search,
		     const struct address *gateways, int gateway_count,
		     const struct subnet *subnets, int subnet_count);
void dns_set_resolvers(struct dns *d, const struct address *resolvers, int count);

/* The same container again: replaced. */
int dns_set_member(struct dns *d, const struct dns_member *m, struct err *e);
/* Asked for it instead of the network's; 0 = the network's. After dns_set_member. */
void dns_set_member_resolvers(struct dns *d, const char *container,
			      const struct address *resolvers, int count);
void dns_remove_member(struct dns *d, const char *container);

/* Networks that members are on too, and who is there: only those members are answered
 * (dns_zones.h). */
int dns_set_neighbour(struct dns *d, const char *network, const struct subnet *subnets,
		      int subnet_count, struct err *e);
void dns_remove_neighbour(struct dns *d, const char *network);
int dns_set_peer(struct dns *d, const char *network, const struct dns_member *m, struct err *e);
void dns_remove_peer(struct dns *d, const char *network, const char *container);

void dns_ask(struct dns *d, struct dns_client *client, const void *message, size_t size_bytes);
void dns_forget(struct dns_client *client); /* the client goes away; fine when it has no question */
