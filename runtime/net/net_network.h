/* net_network.h - one network as netd holds it: router, members, published ports, gateway.
 *
 * What is here is what a gateway that starts is told (net_told.h). Owns everything in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"
#include "net/keeper.h"
#include "net/plug.h"
#include "net/router.h"
#include "wire/member_limits.h"

struct err;
struct net_neighbour;
struct nets;

enum {
	NET_NAME_BYTES = 65, /* str_is_name, terminated */
	NET_KEY_BYTES = 129,
	NET_MEMBERS_MAX = 4096,
	NET_PORTS_MAX = 16384,	    /* of one network: a range is one a port */
	NET_BACKENDS_MAX = 1024,    /* of one port */
	NET_NAME_TEXT_MAX = 253,    /* RFC 1035 as text */
	NET_POLICY_BYTES_MAX = 16384,
	NET_FIRST_INDEX = 16, /* above lo and the TUN devices, which the kernel numbers */
};

enum net_flags { NET_INTERNAL = 1, NET_FLAGS = NET_INTERNAL };

enum net_backend_state { NET_BACKEND_GONE, NET_BACKEND_SERVES, NET_BACKEND_DRAINS, NET_BACKEND_ILL,
			 NET_BACKEND_STATES };

struct net_member {
	struct net_member *next;
	char name[NET_NAME_BYTES];
	struct plug plug; /* its ns_fd is owned here */
	char *policy;
	char *names[MEMBER_NAMES_MAX];
	size_t name_count;
	uint64_t exposed[MEMBER_PORTS_MAX]; /* as NET_ATTACH has them */
	size_t exposed_count;
	bool waits_for_counters; /* engined asked */
};

struct net_backend {
	struct net_backend *next;
	char container[NET_NAME_BYTES];
	enum net_backend_state state;
};

struct net_port {
	struct net_port *next;
	char key[NET_KEY_BYTES], address[ADDRESS_TEXT_MAX];
	int protocol, fd; /* -1: somebody else has it for now (net_told.c) */
	uint16_t host_port, container_port;
	uint64_t balance;
	struct net_backend *backends;
	size_t backend_count;
};

struct net_network {
	struct net_network *next;
	struct nets *nets;
	char name[NET_NAME_BYTES];
	uint64_t flags;
	char *policy;
	struct router router;
	unsigned next_index;
	struct net_member *members;
	size_t member_count;
	struct net_port *ports;
	size_t port_count;
	struct net_neighbour *neighbours; /* net_neighbour.h */
	struct keeper keeper;
	struct loop_timer mend; /* set while a port has no socket */
	bool serves; /* its gateway said so */
	uint64_t due_us; /* by when its gateway may have had, and said, what it did */
};

/* With its router; the gateway is started by the caller, when it is in the list. plan: subnets,
 * gateways, MTU. */
struct net_network *net_network_create(struct nets *nets, const char *name,
				       const struct router *plan, struct err *e);
void net_network_destroy(struct net_network *w);
void net_network_set_policy(struct net_network *w, uint64_t flags, const char *policy);

struct net_member *net_member_find(const struct net_network *w, const char *name);
struct net_member *net_member_add(struct net_network *w, const char *name);
void net_member_remove(struct net_network *w, struct net_member *m); /* and its plug */
void net_member_describe(struct net_member *m, const char *policy, const char *const *names,
			 size_t count);
void net_member_expose(struct net_member *m, const uint64_t *ports, size_t count);

struct net_port *net_port_find(const struct net_network *w, const char *key);
struct net_port *net_port_add(struct net_network *w, const char *key);
void net_port_remove(struct net_network *w, struct net_port *p);
/* false when it has too many. Gone = forgotten. */
bool net_port_set_backend(struct net_port *p, const char *container, enum net_backend_state state);
