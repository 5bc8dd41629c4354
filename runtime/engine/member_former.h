/* member_former.h - the ports that a service had before (former_port.h), and one container's part
 * in them: they are open until all of the ports of now are there, unless they are in the way.
 *
 * Part of member_ports.c, which says when: asks netd for what needs no answer, and knows of no
 * state. */
#pragma once

#include <stdbool.h>

#include "engine/netd.h"

struct former_port;
struct member;
struct member_port;
struct member_ports;

/* One that is the service's no more: p, or what is remembered of it already. */
struct former_port *member_former_remember(struct member_ports *ports, struct former_port *p);

/* Is one of them, open still, in its way? */
bool member_former_bars(const struct member *m, const struct member_port *p);
void member_former_make_way(struct member *m, const struct member_port *p);
bool member_former_made_way(const struct member *m, const struct member_port *p);
/* The container is behind them, from now on or again; those that were closed are opened. */
void member_former_hold(struct member *m);
void member_former_set_backends(struct member *m, enum netd_backend state);
void member_former_close(struct member *m);	/* for good: nothing of before is left */
void member_former_leave(struct member *m, bool for_good);
void member_former_netd_is_gone(struct member_ports *ports);
