/* member_ports.h - the ports that a service publishes, and one container's part in them.
 *
 * The ports are the service's: each of its containers is a backend of all of them, the first one
 * opens them, and the last one that ends for good withdraws them. One that may have any number, or
 * one of several, keeps what it got: the engine remembers it (document.h).
 *
 * All or nothing: while one of them cannot be had, those that were not there before are given back,
 * and who runs stays behind the ports of before (member_former.h). Of whom nothing of before is
 * known keeps what it gets: that may be just this. The one that was missing is tried before new
 * ones, and what a port of before is in the way of comes last: nothing that serves is closed before
 * all of the others are there, and if that was in vain it is not done again.
 *
 * Part of member.c: asks netd for what needs no answer, and knows of no state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/netd.h"
#include "engine/port_key.h"

struct arena;
struct compose_service;
struct document;
struct former_port;
struct member;
struct port_map;

struct member_port {			/* one of the machine's */
	const struct port_map *map;	/* address and protocol */
	uint16_t first, last;		/* 0, 0: any free one */
	uint16_t container_port;
	uint16_t port;			/* in force, or tried now; 0 = none yet */
	uint16_t recalled;		/* was remembered from before this engine; 0 = none */
	uint16_t said;			/* people know that it is this one */
	unsigned holders;		/* containers behind it */
	bool was;			/* `port` was in force before: it is tried first */
	bool claimed;			/* netd had it of before */
	bool withdrawn;			/* by this engine, and neither had nor refused since */
};

struct member_ports {
	struct member_port *items;
	size_t count;
	struct former_port *former;	/* until all of the items are there */
	unsigned former_holders;
	unsigned former_closings;	/* so often one of them was closed, or refused */
	const struct member_port *missing;	/* cannot be had, and people know it */
	bool barred;			/* former ones made way in vain */
	unsigned round;			/* so often one of the items was withdrawn */
};

enum member_ports_pass {
	MEMBER_PORTS_KEPT,		/* they stay when another one is missing */
	MEMBER_PORTS_MISSING,
	MEMBER_PORTS_WITH_WAY,
	MEMBER_PORTS_REST,
	MEMBER_PORTS_PASSES
};

enum member_part {
	MEMBER_NOT_BEHIND,
	MEMBER_BEHIND,			/* of an earlier connection to netd, or life */
	MEMBER_BEHIND_NOW
};

void member_ports_init(struct member_ports *ports, const struct compose_service *service,
		       struct arena *arena);
/* anew: netd is to be told of all of them again. */
void member_ports_begin(struct member *m, bool anew);
/* The next one to ask netd for; NULL: it is behind all of them. */
struct member_port *member_ports_next(struct member *m);
/* Former ports that are in its way are closed; false: it runs, and that was in vain before. */
bool member_ports_make_way(struct member *m, const struct member_port *p);
/* It is refused, and may be in its own way, or a former one: who closes it takes a moment. */
bool member_ports_may_get_free(const struct member *m, const struct member_port *p);
/* As netd is asked for it. */
struct netd_port member_ports_words(const struct member *m, const struct member_port *p,
				    char text[PORT_KEY_BYTES]);
void member_ports_take(struct member *m, struct member_port *p, uint16_t port);
/* The number that was asked for cannot be had; false: nor any other. */
bool member_ports_try_other(const struct member *m, struct member_port *p);
/* Back to those of before. NULL: it was in vain before. */
void member_ports_refused(struct member *m, struct member_port *p);
void member_ports_complete(struct member *m);	/* those of before are closed */
void member_ports_set_backends(struct member *m, enum netd_backend state);
/* The container is behind none any more. */
void member_ports_leave(struct member *m, bool for_good);
bool member_ports_is_last(const struct member *m);	/* nobody else is behind them */
void member_ports_netd_is_gone(struct member_ports *ports);

/* What netd has of before: is it one of these? */
bool member_ports_claim(struct member *m, const char *network, const char *key);
bool member_ports_collide(const struct member_ports *ports, const struct port_map *map);
/* The numbers that they had, and have, where a port may be one of several. */
void member_ports_recall(struct member *m, const struct document *doc);
bool member_ports_note(const struct member *m, struct document *doc);	/* true: it has changed */

/* For member_former.c: one request to netd, whose failure is logged and no more. */
void member_ports_set_backend(struct member *m, const struct netd_port *port,
			      enum netd_backend state);
void member_ports_withdraw(struct member *m, const struct netd_port *port);
