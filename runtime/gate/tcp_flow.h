/* tcp_flow.h - one TCP connection of a container, shared by tcp.c (beginning and end), tcp_relay.c
 * (its bytes), tcp_held.c and tcp_serve.c (without a socket). Included by them alone.
 *
 *   CONNECTING --connected--> OPENING --handshake--> OPEN --lwIP knows it no more--> (freed)
 *        |refused, RST           |gone                 |gone, bytes for the socket left
 *      (freed)                 (freed)               DRAINING --written or failed--> (freed)
 *
 * DRAINING has left the table, so that its ends may be used again, but not its account: memory and
 * socket are the container's until they are free. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/chunk.h"
#include "gate/flow.h"
#include "gate/lwip_stack.h"
#include "gate/packet.h"
#include "gate/rate.h"
#include "gate/tcp.h"
#include "lib/loop.h"

struct tcp_held;
struct tcp_kept;

enum tcp_flow_state { TCP_CONNECTING, TCP_OPENING, TCP_OPEN, TCP_DRAINING };

struct tcp_flow {
	struct flow flow;
	struct lwip_conn conn;
	struct loop_source socket; /* fd -1: served, or closed already */
	struct tcp *tcp;
	struct tcp_flow *next, *prev; /* of tcp->all */
	struct tcp_flow *later, *earlier; /* of tcp->handshake_first, while in one */
	uint64_t since_ms;		  /* ... since when */
	struct tcp_flow *starving;    /* the next one of tcp->starving */
	struct tcp_flow *paced, **paced_at; /* the next one of tcp->paced; who points here */
	struct stats *stats;	      /* or NULL */
	enum tcp_flow_state state;
	uint16_t asks_s; /* the container's keep-alive asks after so long; 0: it did not yet */
	uint8_t events; /* what the loop watches now */
	bool watched, is_starving;
	bool is_paced; /* waits until its container's rate allows more */
	bool container_ended; /* it sent FIN */
	bool socket_shut;     /* ... and that was passed on */
	bool socket_ended;    /* the other side sent FIN: passed on with what was written */

	/* From the container: what the socket did not take yet. */
	struct tcp_kept *kept, *kept_last;
	size_t kept_skip;
	struct tcp_held *held; /* or NULL */
	/* To the container: what is not acknowledged yet. */
	struct chunk_row row;
	uint8_t asking; /* a byte that asks for room, before what is in the row */
	bool asks;

	struct rate *rate_out, *rate_in; /* or NULL */
	struct rate_turn turn_out, turn_in;
	size_t owed_bytes;		 /* written, but not yet told to the container: its rate */
	uint32_t window_used, window_epoch, steps_epoch; /* tcp_window.c */
	bool window_before, window_left; /* before: also in the epoch before that one */

	const struct tcp_service *service;
	void *conversation;

	uint8_t syn_bytes;
	uint8_t syn[PACKET_HEADERS_MAX]; /* without payload */
};

struct tcp_windows {
	struct loop_timer timer;
	uint32_t epoch;
	uint32_t active, active_before; /* connections that moved bytes in this one, before */
};

struct tcp {
	struct tcp_setup setup;
	struct lwip_stack *lwip;
	struct chunk_pool *chunks;
	struct tcp_flow *all;
	struct tcp_flow *starving, *starving_last; /* wait for a chunk, in order */
	struct tcp_flow *paced, *paid; /* paid: those whose turn it is just now */
	uint32_t handshakes;	   /* CONNECTING and OPENING */
	struct tcp_flow *handshake_first, *handshake_last; /* by age */
	size_t kept_bytes;	   /* memory of all flows' kept bytes */
	struct loop_timer feeding, pacing; /* of the starving, of the paced */
	unsigned pace_more_ms;	   /* rest between two walks past the paced */
	struct tcp_windows windows;
	int spare[2];		   /* sockets of the next IPv4, IPv6 connection, or -1 */
};

extern const struct lwip_events tcp_relay_events, tcp_serve_events;

/* tcp.c */
void tcp_flow_open(struct tcp_flow *f);    /* to its container; it may be gone then */
void tcp_flow_opened(struct tcp_flow *f);  /* it is no handshake any more */
void tcp_flow_destroy(struct tcp_flow *f); /* lwIP knows it no more */
void tcp_flow_leave(struct tcp_flow *f);   /* out of the table and its account */
/* Closes the socket; `reset`: so that the other side sees RST. */
void tcp_flow_close_socket(struct tcp_flow *f, bool reset);

/* tcp_relay.c */
void tcp_relay_init(struct tcp *t);
void tcp_relay_event(struct tcp_flow *f, unsigned events);    /* of the socket */
bool tcp_relay_waits(struct tcp_flow *f); /* for its rate: it is opened when that is paid */
void tcp_relay_feed(struct tcp *t);			      /* chunks came back */
void tcp_relay_leave(struct tcp_flow *f);		      /* its account goes, or it does */
void tcp_relay_clear(struct tcp_flow *f);		      /* lets go of what it keeps */
void tcp_relay_count_kept(struct tcp_flow *f, ssize_t cost);  /* memory of kept and held ones */
void tcp_relay_want(struct tcp_flow *f, unsigned event, bool on);

/* tcp_window.c */
void tcp_window_init(struct tcp *t);
void tcp_window_open(struct tcp_flow *f); /* before its SYN is answered */
void tcp_window_used(struct tcp_flow *f, size_t size_bytes); /* so much was consumed */
void tcp_window_leave(struct tcp_flow *f); /* it takes no part any more */

/* tcp_serve.c: a tcp_peer is its flow. */
void tcp_serve_clear(struct tcp_flow *f);
