/* member.h - a container on its networks: attached and published while its start is held, anew when
 * netd comes back, drained and gone at its end.
 *
 *            join               all answered
 *   OUT ---------> JOINING ------------------> IN      rejoin: from IN to JOINING and back
 *    ^   netd away: v  ^ back      | refused    |
 *    |             WAITING --late--+--> failed  |
 *    +------------------ leave -----------------+
 *
 * One request at a time, so a container costs netd's queue one place. The published ports are the
 * service's: each of its containers is a backend of all of them, the first one opens them, and the
 * last one that ends for good withdraws them. A published port that may be any free one keeps the
 * number it got as long as the engine lives. Knows netd, not boxd: who
 * brings the fd of the network namespace says which container it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/netd.h"
#include "lib/loop.h"

struct arena;
struct attachments;
struct compose_service;
struct former_port;
struct port_map;

enum member_state { MEMBER_OUT, MEMBER_WAITING, MEMBER_JOINING, MEMBER_IN };

struct member_port {			/* one of the machine's */
	const struct port_map *map;	/* address and protocol */
	uint16_t first, last;		/* 0, 0: any free one */
	uint16_t container_port;
	uint16_t port;			/* in force, or tried now; 0 = none yet */
	uint16_t said;			/* people know that it is this one */
	unsigned holders;		/* containers behind it */
	bool claimed;			/* netd had it of before */
};

struct member_ports {
	struct member_port *items;
	size_t count;
	struct former_port *former;	/* until all of the items are there */
	unsigned former_holders;
	bool refused;			/* one of the items cannot be had, and people know it */
};

/* What becomes of a member's part in the ports when it leaves. */
enum member_leave {
	MEMBER_COMES_BACK,		/* they wait for its next life */
	MEMBER_IS_REPLACED,		/* they wait for another one's */
	MEMBER_ENDS,			/* without another one they are withdrawn */
};

struct member {
	struct loop *loop;
	struct netd *net;
	const struct attachments *attachments;
	enum member_state state;
	bool attached;			/* netd may know it */
	bool again;			/* it has been in before: its container runs */
	int net_ns_fd;			/* while it joins */
	struct loop_timer patience;
	size_t step;			/* attachments, then ports */
	bool asked;			/* an answer of netd is due */
	unsigned stale;			/* so many answers before it are of an earlier life */
	struct member_ports *ports;
	size_t held;			/* so many of them it is behind */
	bool holds_former;		/* and behind those of before */
	bool lost;			/* its container runs, and it is out all the same */
	uint16_t asked_port;
	enum netd_backend serves_as;	/* while it is in */
	void (*joined)(struct member *m);
	void (*failed)(struct member *m, const char *sentence);	/* it is out again */
	/* Its container runs: it is in again, or lost. */
	void (*settled)(struct member *m);
	/* The same, and a port cannot be had: it is behind its service's former ones again. Said
	 * once of a service. */
	void (*refused)(struct member *m, const char *sentence);
};

/* The functions are filled in by the caller. attachments: its own, at least one. */
void member_init(struct member *m, struct loop *loop, struct netd *net,
		 const struct attachments *attachments, struct member_ports *ports);
void member_ports_init(struct member_ports *ports, const struct compose_service *service,
		       struct arena *arena);
void member_finish(struct member *m);	/* zeroed is fine; what is attached stays */

void member_join(struct member *m, int net_ns_fd);	/* takes a copy of the fd */
/* The container runs and netd does not know it: the same with no more consequences than a log. */
void member_rejoin(struct member *m, int net_ns_fd);
/* How new connections find it from now on. */
void member_serve_as(struct member *m, enum netd_backend state);
void member_leave(struct member *m, enum member_leave how);

/* netd has it of before: it is given back at the container's end. */
void member_claim(struct member *m);
/* The same of a published port; false: it is none of this container's. */
bool member_claim_port(struct member *m, const char *network, const char *key);
/* One that is the service's no more: p, or what is remembered of it already. */
struct former_port *member_remember_port(struct member *m, struct former_port *p);
bool member_collides(const struct member *m, const struct port_map *map);
/* Its container runs, and whether it gets the service's ports is not known, or it does not. */
bool member_is_unsettled(const struct member *m);
void member_netd_is_there(struct member *m);
void member_netd_is_gone(struct member *m);
