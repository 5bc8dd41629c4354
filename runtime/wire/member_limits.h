/* member_limits.h - how many there are of what is said about networks: engined, netd and gated keep
 * to the same bounds, so that none refuses what another one sends on. */
#pragma once

enum {
	MEMBER_NAMES_MAX = 64,	/* host names and aliases of a container on a network */
	MEMBER_PORTS_MAX = 64,	/* where it listens, that others are told of */
	/* Of this machine. */
	MACHINE_CONTAINERS_MAX = 64,
	MACHINE_NETWORKS_MAX = 64,
	CONTAINER_NETWORKS_MAX = 16, /* that one container is on */
};
