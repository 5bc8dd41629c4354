/* udp_flow.h - one UDP flow of a container: its two ends, its socket, and the lists by age.
 *
 * Private to udp*.c. A flow's socket is its own (connected), or a published port's. Flows lie in
 * one of two rows, the one that was used last in front; a timer takes those from the back whose
 * time is over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/flow.h"
#include "gate/udp.h"
#include "lib/loop.h"

enum {
	UDP_BATCH = 32,			/* datagrams of one socket before the others' turn */
	UDP_BATCH_SHARED = 8,		/* ... of other containers */
	UDP_DATAGRAM_MAX = 65535,
	UDP_IDLE_MS = 60000,		/* at least two minutes by RFC 4787, which no NAT keeps */
	UDP_IDLE_SHORT_MS = 10000,	/* one question, one answer */
	UDP_SWEEP_MS = 1000,
};

struct udp_row {
	struct udp_flow *newest, *oldest;
	uint32_t idle_ms;
};

struct udp_flow {
	struct flow flow;
	struct udp *u;
	struct udp_row *row;
	struct udp_flow *newer, *older;
	uint64_t used_ms;
	struct payer payer;
	uint8_t hops;				/* that its socket sends with; 0: the system's */
	struct loop_source source;		/* own socket; fd -1: published */

	struct udp_published *published;	/* NULL: it goes out */
	struct udp_flow *next_client;		/* of its bucket there */
	struct address client, asked;		/* as they are outside; asked: our address there */
	uint16_t client_port;
	uint32_t client_link;			/* of a link-local one: where it is (ipv6(7)) */
	int number;				/* pick's */
};

struct udp {
	struct udp_setup setup;
	struct udp_row rows[2];			/* long, short */
	struct loop_timer sweep;
	struct udp_published *published;
	uint8_t datagram[UDP_DATAGRAM_MAX];
};

/* NULL: no room in the table or the account (counted), or the key is taken. */
struct udp_flow *udp_flow_create(struct udp *u, const struct flow_key *key,
				 const struct udp_ruling *ruling);
void udp_flow_end(struct udp_flow *f);
void udp_flow_used(struct udp_flow *f);

/* Towards the container, counted and within its rate. */
void udp_flow_deliver(struct udp_flow *f, const void *bytes, size_t size_bytes);

/* udp_published.c */
void udp_published_send(struct udp_flow *f, const struct packet *p);
void udp_published_forget(struct udp_flow *f); /* it is being ended */
