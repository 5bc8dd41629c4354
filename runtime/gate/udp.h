/* udp.h - UDP of the containers: out by one connected socket per flow, in through published ports.
 *
 *   container -> tun -> udp_input_packet -> flow -> its socket -> outside
 *   outside -> its socket -> the container, with the outside's address as source
 *   client -> a published port's socket -> flow (by client) -> the container; answers go back
 *             through the same socket, from the address that the client had asked
 *
 * A connected socket gets only its peer's datagrams, and its errors: refused and unreachable come
 * back to the container as ICMP. Datagrams keep their size: fragments were put together before
 * (input.h), and what is larger than the MTU inside is cut on its way in (by the kernel, for IPv6
 * by tun.h).
 *
 * A flow ends 60 s after its last datagram (10 s when it is one question and its answer: port 53).
 * Bounded by the flow table and each container's account; nothing is queued here: what a socket
 * or the device does not take is lost, as on a wire. Owns flows and sockets. Knows nothing of
 * members and policies: `decide` and `pick` do. RFC 768, 1122 4.1, 4787, 6335. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/address.h"
#include "gate/flow.h"
#include "gate/payer.h"

struct err;
struct frame;
struct loop;
struct packet;
struct tun;
struct udp;
struct udp_published;

enum udp_verdict {
	UDP_CONNECT,	/* to `address` and `port` */
	UDP_SERVE,	/* by `service` */
	UDP_REFUSE,	/* as a closed port does: ICMP port unreachable */
	UDP_FORBID,	/* ICMP: administratively prohibited */
	UDP_IGNORE,
};

/* Served here (DNS): whole datagrams, answered by udp_answer or not at all. */
struct udp_service {
	void *ctx;
	void (*on_datagram)(void *ctx, const struct packet *p);
};

/* What decide and pick fill in; zeroed before. */
struct udp_ruling {
	enum udp_verdict verdict;
	struct address address;
	uint16_t port;
	struct payer payer;
	const struct udp_service *service;
	int number;		/* pick's own, handed back to unpick */
};
typedef void udp_decide_fn(void *ctx, const struct packet *first, struct udp_ruling *ruling);
/* A first datagram of a client at a published port: to which container (address, port)? verdict
 * UDP_CONNECT, or anything else when there is none. */
typedef void udp_pick_fn(void *ctx, void *publication, const struct address *client,
			 struct udp_ruling *ruling);
/* The flow that was picked for has ended. */
typedef void udp_unpick_fn(void *ctx, void *publication, int number);

/* Shall the client's next datagram be picked for anew? Answers on their way still come back. */
typedef bool udp_moves_on_fn(void *ctx, void *publication, int number);

/* Would an answer to this client end inside, or nowhere? Then it is shown as the gateway. */
typedef bool udp_nowhere_fn(void *ctx, const struct address *client);

struct udp_setup {
	struct loop *loop;
	struct tun *tun;
	struct flow_table *flows;
	struct address gateway4, gateway6; /* sender of ICMP errors, and of the machine's clients */
	udp_decide_fn *decide;
	udp_pick_fn *pick;
	udp_unpick_fn *unpick;	/* NULL is fine */
	udp_moves_on_fn *moves_on;	/* NULL: never */
	udp_nowhere_fn *leads_nowhere;	/* NULL: none does */
	void *ctx;
};

struct udp *udp_create(const struct udp_setup *setup);
void udp_destroy(struct udp *u); /* NULL is fine; published ports' sockets are closed too */

/* One UDP packet from the TUN device, whole. */
void udp_input_packet(struct udp *u, const struct packet *p, struct frame *f);
/* To a container, as from `from`: what a service answers. */
void udp_answer(struct udp *u, const struct address *from, uint16_t from_port,
		const struct address *to, uint16_t to_port, const void *bytes, size_t size_bytes);
/* Ends all flows of a container that leaves. */
void udp_forget_account(struct udp *u, const struct flow_account *account);
/* What was said about the way out has changed: ends the flows outwards that `keeps` gives up, of
 * this account or (NULL) of all. */
void udp_review(struct udp *u, const struct flow_account *account, flow_keep_fn *keeps, void *ctx);

/* fd: bound, of the machine's namespace; taken also on failure. publication is handed to pick. */
struct udp_published *udp_publish(struct udp *u, int fd, void *publication, struct err *e);
void udp_withdraw(struct udp_published *p); /* NULL is fine; ends its flows */
