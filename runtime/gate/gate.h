/* gate.h - the gateway of one network: what netd said about it, and who of us acts on it.
 *
 *   netd --GATE_*--> gate.c: settings, members, published ports --> the parts, in the order added:
 *     tun + lwip_stack + tcp, udp, icmp   what comes out of the containers (TUN device)
 *     dns                                 names, on the gateway's addresses
 *     accept + relay                      what comes in by published TCP ports (splice, no lwIP)
 *
 * All of it lives in one process with one loop and without a file: when it dies, netd starts it
 * again and says everything anew, so nothing here is kept for longer. A message that makes no
 * sense is logged and skipped; one that cannot be read ends the process: netd is out of step.
 *
 * Gate knows no part. A part is added by the main (prog/gated.c) before the first message; it
 * embeds struct gate_part, sets the calls it wants, and finds itself again by owner_of. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/address.h"
#include "gate/gate_member.h"
#include "gate/publish.h"
#include "gate/tun.h"
#include "lib/loop.h"

struct dns;
struct egress;
struct err;
struct flow_table;
struct gate;
struct gate_neighbour;
struct gate_peer;
struct msg;
struct policy;

enum {
	GATE_MTU = 1500,			/* when none is said */
	GATE_RESOLVERS_MAX = 8,
	GATE_FORBIDDEN_MAX = 4096,	/* x 24 bytes */
};

struct gate_network {
	char name[MEMBER_NAME_BYTES];
	bool internal;				/* nothing goes out, no question is forwarded */
	struct subnet subnet4, subnet6;		/* address.family 0: there is none */
	struct address gateway4, gateway6;
	uint16_t mtu;				/* of the TUN device */
	char *policy_text;
};

/* Each may be NULL. Called after gate's own state is the new one, but for `member_leaves`,
 * which is called before the member goes, when no port leads to it any more. */
struct gate_part {
	/* Settings are there or new. tun_fds: -1 = none; the part that takes one sets it so. */
	void (*network)(struct gate_part *part, struct gate *g, int tun_fds[TUN_DEVICES_MAX]);
	void (*resolvers)(struct gate_part *part, struct gate *g);
	void (*forbidden)(struct gate_part *part, struct gate *g);
	void (*member)(struct gate_part *part, struct gate *g, struct gate_member *m);
	void (*member_leaves)(struct gate_part *part, struct gate *g, struct gate_member *m);
	/* Other networks that members are on too, and who is there (gate_neighbour.h). */
	void (*neighbour)(struct gate_part *part, struct gate *g, const struct gate_neighbour *n);
	void (*neighbour_goes)(struct gate_part *part, struct gate *g, const char *network);
	void (*peer)(struct gate_part *part, struct gate *g, const struct gate_peer *p);
	void (*peer_leaves)(struct gate_part *part, struct gate *g, const char *network,
			    const char *container);
	/* p->fd listens (TCP) or is bound (UDP). Called again when its backends change; whose
	 * protocol it is looks at p->protocol. */
	void (*published)(struct gate_part *part, struct gate *g, struct published *p);
	void (*withdrawn)(struct gate_part *part, struct gate *g, struct published *p);
	/* Its counters are about to be told. */
	void (*stats)(struct gate_part *part, struct gate *g, struct gate_member *m);
	struct gate_part *next;			/* private */
};

struct gate {
	struct loop *loop;
	struct gate_network network;
	struct address resolvers[GATE_RESOLVERS_MAX];
	unsigned resolver_count;
	struct subnet *forbidden;
	unsigned forbidden_count;
	struct gate_members members;
	struct publications published;

	/* The parts' own, for each other; NULL until they are made. */
	struct policy *policy;			/* of network.policy_text */
	struct egress *egress;
	struct dns *dns;
	struct tun *tun;
	struct flow_table *flows;

	struct gate_part *parts;		/* private from here */
	struct gate_saying *sayings;		/* to netd, which did not take them yet */
	bool ready;
	struct loop_source control;		/* netd's connection, the caller's */
};

struct gate *gate_create(struct loop *loop, int control_fd, struct err *e);
void gate_destroy(struct gate *g);	/* parts are told and stay their owners' */
void gate_add_part(struct gate *g, struct gate_part *part);

/* Acts on one message of netd's. -1: it cannot be read (see above). */
int gate_message(struct gate *g, struct msg *m, struct err *e);
/* Sends one to netd; a lost connection ends the loop. */
void gate_say(struct gate *g, struct msg *m);

/* The gateway's own address of this family; NULL when the network has none. */
const struct address *gate_address(const struct gate *g, uint8_t family);
/* One of the gateway's, and 127.0.0.11, where it has one of IPv4 (wire/docker_dns.h). */
bool gate_is_own(const struct gate *g, const struct address *a);
bool gate_is_inside(const struct gate *g, const struct address *a);	/* one of its subnets */
