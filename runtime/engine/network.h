/* network.h - the networks that the compose file uses, each with its subnets and gateways.
 *
 * networks_load gives each one what its document or the file says, else what is free
 * (address_plan.h), and writes the documents anew. A network that cannot be made has its reason in
 * `error`: the containers on it do not start and say so, all others do. What netd has been told of
 * it is kept here too: told anew with each connection. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/network_document.h"
#include "lib/address.h"

struct arena;
struct compose_network;
struct compose_project;

enum { NETWORKS_MAX = 64 };

struct network {
	const struct compose_network *compose;
	struct network_document doc;
	struct subnet range4, range6;		/* where addresses are taken from */
	struct address gateway4, gateway6;
	const char *error;			/* why there is none; NULL = fine */
	bool declared;				/* netd has been told, in this connection */
	bool overlap_is_said;			/* network_overlaps has found one */
};

struct networks {
	struct network *items;
	size_t count;
};

/* documents_fd -1: nothing is kept. machine: subnets that the machine itself is in. prune: the
 * documents of networks that are not in the file any more go. Texts live in the arena. */
void networks_load(struct networks *networks, const struct compose_project *project,
		   int documents_fd, const struct subnet *machine, size_t machine_count, bool prune,
		   struct arena *arena);
/* The machine is in one of its subnets since it was loaded: true the first time, with both. */
bool network_overlaps(struct network *n, const struct subnet *machine, size_t machine_count,
		      char ours[SUBNET_TEXT_MAX], char own[SUBNET_TEXT_MAX]);
struct network *networks_find(const struct networks *networks, const char *key);
struct network *networks_find_named(const struct networks *networks, const char *name);
void networks_forget(struct networks *networks);	/* the connection to netd was lost */
