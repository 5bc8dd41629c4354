/* dns_forward.h - questions on their way to resolvers: a socket, a random port and a random id for
 * each resolver that is asked.
 *
 *   start -> UDP to the first resolver that lives -> answer
 *         -> cut (TC), or asked for: TCP to the same one
 *         -> it does not know EDNS (FORMERR, NOTIMP): the same one without
 *         -> refused, unreachable, 1.5 s of silence, a server's failure: the next one; a
 *            silent one's answer is still taken when it comes late, and one that is cut or
 *            does not know EDNS gives it the next turn
 *   all tried: over, with the last failure that was said, or none
 *
 * A name can be slow without its resolver being at fault (its own servers are far, or a container
 * chose it for that). So one that was silent is asked for the root's servers, which each resolver
 * has at hand: only when that is not answered within 3 s is it dead. A dead one is asked last;
 * when all are dead nobody waits for them, and every 2 s a question makes one be checked again.
 * The last two thirds of that it is asked without EDNS: who said nothing before and answers then is
 * asked without it from now on, and checked again every minute.
 *
 * The port is the kernel's choice (28,232 of them, from its own generator), the id getrandom's:
 * 30.8 bits together (RFC 5452 9). Connected sockets take the resolver's datagrams alone; 16 that
 * are not the answer, at one of them, end UDP for this question.
 *
 * Owns its sockets. Bounded: DNS_FORWARD_MAX at once, a socket for each of their resolvers. Knows
 * no client: dns.c does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/address.h"
#include "gate/dns_message.h"

struct dns_client;
struct dns_forward;
struct dns_forwarder;
struct loop;

enum { DNS_FORWARD_MAX = 512, DNS_RESOLVERS_MAX = 8 };

struct dns_resolvers {
	struct address list[DNS_RESOLVERS_MAX];
	int count;
};

/* What is asked, and what tells one question from another. */
struct dns_forward_key {
	struct dns_question question;
	bool checking_off, dnssec;
	uint32_t variant;	/* of the cache */
};

/* reply: NULL when nobody answered; borrowed. The question is over and freed afterwards. */
typedef void dns_forward_done_fn(void *ctx, struct dns_forward *f, const struct dns_reply *reply);

/* port: 53, but for tests. */
struct dns_forwarder *dns_forwarder_create(struct loop *loop, uint16_t port,
					   dns_forward_done_fn *done, void *ctx);
void dns_forwarder_destroy(struct dns_forwarder *w); /* NULL is fine; done is not called */

/* The same question on its way already, or NULL. */
struct dns_forward *dns_forward_find(struct dns_forwarder *w, const struct dns_forward_key *key);
/* NULL: it cannot be asked (offline, too many, all resolvers dead). */
struct dns_forward *dns_forward_start(struct dns_forwarder *w, const struct dns_forward_key *key,
				      const struct dns_resolvers *resolvers, bool by_tcp);
int dns_forward_room(const struct dns_forwarder *w); /* how many more can be on their way */
struct dns_forward *dns_forward_next(struct dns_forwarder *w, struct dns_forward *f); /* of all */

const struct dns_forward_key *dns_forward_key(const struct dns_forward *f);
struct dns_client **dns_forward_clients(struct dns_forward *f); /* dns.c's list */
