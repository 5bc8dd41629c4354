/* gate_neighbour.h - what netd says of other networks that members of this one are on too.
 *
 * A neighbour's names are for those members alone, who ask this gateway about every network that
 * they are on. Nothing is kept here: the part that answers for names keeps it. */
#pragma once

#include "gate/address.h"
#include "gate/gate_member.h"
#include "gate/port.h"

struct err;
struct gate;
struct msg;

struct gate_neighbour {
	const char *network;
	struct subnet subnet4, subnet6;		/* of no family: there is none */
};

struct gate_peer {
	const char *network, *container;
	struct address address4, address6;
	const char *names[MEMBER_NAMES_MAX];
	unsigned name_count;
	struct port ports[MEMBER_PORTS_MAX];
	unsigned port_count;
};

/* Each reads its message (GATE_NEIGHBOUR, GATE_PEER); text is borrowed from it. */
int gate_neighbour_read(struct gate_neighbour *n, struct msg *m, struct err *e);
int gate_peer_read(struct gate_peer *p, struct msg *m, struct err *e);
