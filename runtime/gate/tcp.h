/* tcp.h - TCP of the containers: ended in lwIP, carried on by ordinary sockets.
 *
 * A SYN of a new flow asks `decide`; what is let through is connected outside first, and the SYN is
 * kept: only when the other side has answered does lwIP see it. So a container sees what it would
 * see without us: refused, unreachable, silent. From then on bytes go both ways without a copy of
 * ours, as far as the windows of both sides allow; an end of either direction, and a reset, are
 * passed on. Urgent bytes keep their place among the others, but not their mark. What is served
 * here (DNS over TCP) gets its bytes by callbacks.
 *
 * Bounded by: the flow table and its accounts, the chunk pool (bytes towards containers), the kept
 * bytes (towards sockets), the handshakes in hand. Owns its flows and their sockets.
 * Knows nothing of members and policies: `decide` does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/address.h"
#include "gate/flow.h"
#include "gate/payer.h"

struct frame;
struct frame_pool;
struct loop;
struct packet;
struct tcp;
struct tcp_peer;
struct tun;

enum tcp_verdict {
	TCP_CONNECT, /* to `address` and `port` */
	TCP_SERVE,   /* by `service` */
	TCP_REFUSE,  /* as a closed port does: RST */
	TCP_IGNORE,
};

/* Callbacks of what is served here; all on the loop. */
struct tcp_service {
	void *ctx;
	/* Returns what `peer` is told to the other two (NULL is fine). */
	void *(*on_open)(void *ctx, struct tcp_peer *peer, const struct address *from,
			 uint16_t port);
	void (*on_bytes)(void *conversation, const uint8_t *bytes, size_t size_bytes);
	/* Some of what was sent has arrived. NULL is fine. */
	void (*on_room)(void *conversation);
	/* The other side is done, or gone: peer is no more after it. */
	void (*on_end)(void *conversation);
};

/* What decide fills in. */
struct tcp_ruling {
	enum tcp_verdict verdict;
	struct address address;
	uint16_t port;
	struct payer payer;
	const struct tcp_service *service;
};
typedef void tcp_decide_fn(void *ctx, const struct packet *syn, struct tcp_ruling *ruling);

struct tcp_setup {
	struct loop *loop;
	struct tun *tun;
	struct flow_table *flows;
	struct address gateway4, gateway6; /* sender of ICMP errors; may be none */
	uint16_t mtu;			   /* of the TUN device */
	tcp_decide_fn *decide;
	void *ctx;
};

struct tcp *tcp_create(const struct tcp_setup *setup);
void tcp_destroy(struct tcp *t); /* NULL is fine; resets what is open, towards both sides */

/* One TCP packet from the TUN device, p parsed from f. The frame is the caller's. */
void tcp_input_packet(struct tcp *t, const struct packet *p, struct frame *f);
/* Ends all flows of a container that leaves. */
void tcp_forget_account(struct tcp *t, const struct flow_account *account);
/* What was said about the way out has changed: ends the flows outwards that `keeps` gives up, of
 * this account or (NULL) of all; both ends see a reset. */
void tcp_review(struct tcp *t, const struct flow_account *account, flow_keep_fn *keeps, void *ctx);

/* Of a served conversation: whose it is, which it does not outlive. */
struct flow_account *tcp_peer_account(const struct tcp_peer *peer);
/* Copies; -1 when the peer takes no more for now (64 KiB wait already):
 * on_room says when it may. */
int tcp_peer_send(struct tcp_peer *peer, const void *bytes, size_t size_bytes);
/* After what was sent has gone; on_end is called no more. */
void tcp_peer_close(struct tcp_peer *peer);
