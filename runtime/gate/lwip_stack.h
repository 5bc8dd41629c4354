/* lwip_stack.h - lwIP's TCP as the gateway uses it; nobody else sees lwIP's own headers.
 *
 * Whoever calls knows each connection by a struct lwip_conn embedded in his own, finds it by his
 * own table and names it with each packet. Segments towards the container may be larger than its
 * MSS: the device splits them. Bytes go by reference both ways: what is written stays the caller's
 * until `sent` says so, what was received is a chain that the caller lets go. lwIP's state is
 * global, so there is one per process. Source: lwIP's doc/rawapi.txt. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct frame;
struct loop;
struct lwip_bytes; /* what was received */
struct lwip_conn;
struct lwip_stack;
struct packet;
struct tun;

struct lwip_events {
	void (*opened)(struct lwip_conn *c);			     /* the handshake is done */
	void (*received)(struct lwip_conn *c,
			 struct lwip_bytes *b); /* the bytes are the callee's */
	void (*sent)(struct lwip_conn *c, size_t size_bytes);	     /* acknowledged */
	void (*room)(struct lwip_conn *c); /* lwip_conn_takes was 0, and is more */
	void (*ended)(struct lwip_conn *c); /* the container sends no more */
	void (*gone)(struct lwip_conn *c); /* the last one: done, reset, or given up */
};

struct lwip_conn {
	const struct lwip_events *events;
	/* private */
	void *pcb;		/* NULL: none */
	uint16_t wire_bytes;	/* the container's MSS */
	uint16_t segment_bytes; /* what one piece of output carries, a multiple of it */
	bool waits_for_room;
	uint32_t window_bytes;	/* as it shall be */
	uint32_t granted_bytes; /* as it is: announced and not consumed */
	bool in_steps;		/* lwip_conn_steps */
};

/* The greatest that a SYN-ACK can announce, and the greatest of all. */
enum { LWIP_WINDOW_FIRST = 65535, LWIP_WINDOW_MAX = 4 * 1024 * 1024 };

struct lwip_stack *lwip_stack_create(struct loop *loop, struct tun *tun, uint16_t mtu);
void lwip_stack_destroy(struct lwip_stack *s); /* NULL is fine; all connections are gone */

/* A tenth of a second has passed; called by its own timer when there is a loop. */
void lwip_stack_tick(struct lwip_stack *s);

/* A TCP segment of this connection; with pcb NULL its SYN, which opens it with c->window_bytes. `f`
 * holds the packet and is kept as long as needed; NULL: p->ip is copied. -1: a SYN for which there
 * was no memory; in every other case `gone` tells when lwIP knows the connection no more. */
int lwip_stack_input(struct lwip_stack *s, struct lwip_conn *c, const struct packet *p,
		      struct frame *f);

/* How much lwip_conn_write takes now; 0 also when it is not open. */
size_t lwip_conn_room(const struct lwip_conn *c);
/* The same, but of it only what goes out at once: what the container's window takes. 0: `room` or
 * `sent` tells when it is more. */
size_t lwip_conn_takes(struct lwip_conn *c);
/* Its window is shut and nothing was written that asks for room. */
bool lwip_conn_is_shut(const struct lwip_conn *c);
/* By reference, at most room; -1: none was taken, try again after `sent`. more: others follow. */
int lwip_conn_write(struct lwip_conn *c, const void *data, size_t size_bytes, bool more);
void lwip_conn_flush(struct lwip_conn *c);
/* So many received bytes are no longer ours: the window opens again. */
void lwip_conn_consumed(struct lwip_conn *c, size_t size_bytes);
/* How far the container may be ahead of what was consumed. A smaller one takes effect as bytes are
 * consumed: what was announced stands. */
void lwip_conn_window(struct lwip_conn *c, uint32_t size_bytes);
/* Its window opens in steps of nearly a frame, which are what the container sends then: for one
 * that fills its window. Who sends less, and waited for an acknowledgement, is out of it by itself.
 */
void lwip_conn_steps(struct lwip_conn *c, bool on);
void lwip_conn_shut(struct lwip_conn *c);  /* FIN after what was written */
void lwip_conn_abort(struct lwip_conn *c); /* RST; `gone` comes before it returns */
bool lwip_conn_waits(const struct lwip_conn *c); /* in TIME-WAIT */
/* Says again what was received, and that there is no room now: what is announced already would be
 * lost. Until the next bytes are taken or consumed. */
void lwip_conn_refuse(struct lwip_conn *c);
bool lwip_conn_is_next(const struct lwip_conn *c, uint32_t seq); /* of all bytes to come */
bool lwip_conn_has(const struct lwip_conn *c, uint32_t end);	 /* all bytes before this number */
/* Is a segment with this number and nothing new a question whether we are there? */
bool lwip_conn_is_asked(const struct lwip_conn *c, uint32_t seq);
