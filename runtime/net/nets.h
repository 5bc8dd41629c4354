/* nets.h - all networks of this machine, and the one who may ask for them.
 *
 * netd keeps what the kernel must hold for containers to be reached: per network a router
 * (router.h) with the members' plugs (plug.h), the sockets of published ports, and a running
 * gateway (keeper.h). It decides nothing: engined says what there is (NET_* of wire.h) and says it
 * again when netd was away. All of it lives in memory; when netd is killed the gateways end with
 * it, the kernel's objects with them, and nothing is left to clean up.
 *
 *   engined --NET_*--> nets --GATE_*--> gated (one per network)
 *                        \--rtnetlink--> namespaces
 *
 * Bounds: the constants below and in net_network.h. One request is done whole before the next. */
#pragma once

#include <stddef.h>

#include "lib/loop.h"
#include "net/cards.h"
#include "net/resolvers.h"

struct err;
struct msg;
struct net_network;

enum { NETS_MAX = 256 };

struct nets {
	struct loop *loop;
	int own_ns_fd;
	int peer_fd; /* engined, -1 = nobody; borrowed */
	struct resolvers resolvers;
	struct cards cards;
	struct net_network *first;
	size_t count;
};

int  nets_open(struct nets *n, struct loop *loop, struct err *e);
void nets_finish(struct nets *n); /* ends the gateways, waits for each */

/* One request and its answer. -1 = the message is not what wire.h says: the caller closes. */
int nets_request(struct nets *n, struct msg *m, struct err *e);

/* ---- for the verbs (verbs.h) */

struct net_network *nets_find(const struct nets *n, const char *name);
struct net_network *nets_require(const struct nets *n, const char *name, struct err *e);
/* The list of other networks changed: each gateway is told. */
void nets_tell_forbidden(struct nets *n);
/* An event for engined; lost when nobody listens. */
void nets_say(struct nets *n, struct msg *m);
