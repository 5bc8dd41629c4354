/* exposed.h - where a container says that it listens: what its service publishes, then what it
 * exposes, then what its image does. Pure.
 *
 * Others of its networks are told of it by SRV records (NET_ATTACH); nothing is opened by it. The
 * first MEMBER_PORTS_MAX of them, each once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire/member_limits.h"

struct compose_service_network;
struct image;

struct exposed {
	uint64_t ports[MEMBER_PORTS_MAX];	/* protocol x 65536 + port */
	size_t count;
};

void exposed_collect(struct exposed *x, const struct compose_service_network *n,
		     const struct image *image);
