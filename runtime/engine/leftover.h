/* leftover.h - what netd still has of before: told by its list when the connection stands, and
 * taken back where the compose file does not say it any more, before anything new is asked for.
 *
 *   a network that is not in the file, or is another one there     deleted, with all that is in it
 *   a container that is not on it, or has another address there    detached
 *   a published port that nobody in the file publishes             withdrawn: closed
 *   the same, of a service that is in the file, on its network     it has a say: former_port.h
 * What stays is the container's to give back at its end (member_claim). In a batch nothing is
 * touched: it is a guest among others' networks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/netd.h"

struct container;
struct networks;

struct leftover {
	struct netd *net;
	const struct networks *networks;
	struct container *containers;
	size_t count;
	bool skips; /* the network that was told last: its members and ports go with it */
};

void leftover_network(struct leftover *l, const struct netd_network *n);
void leftover_member(struct leftover *l, const struct netd_member *m);
void leftover_port(struct leftover *l, const char *network, const char *key, uint64_t host_port);
