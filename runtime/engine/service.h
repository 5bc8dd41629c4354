/* service.h - one service of the compose file as it runs: its containers, the ports that they
 * share, and how they are brought to what the file says.
 *
 * Which of them starts or ends is orch/rollout.h's word; service_roll asks for it until nothing is
 * left to do, and is called again whenever a container has changed. Owns nothing: the containers
 * are the engine's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose/health.h"
#include "engine/member.h"

struct arena;
struct compose_service;
struct container;

struct service {
	const struct compose_service *compose;
	struct container *containers;		/* count in a row, one per place */
	size_t count;
	struct member_ports ports;
	bool is_blocked, is_blocked_said;
	uint64_t settled_ms;			/* since then all successors work; 0 = not all */
};

void service_init(struct service *s, const struct compose_service *compose, struct arena *arena);

/* Does it meet the condition that others wait for? */
bool service_meets(const struct service *s, enum compose_condition condition);
/* May clients of this container be sent to another one? */
bool service_has_peers(const struct service *s, const struct container *c);
/* True: it has to be called again in a while, without an event. */
bool service_roll(struct service *s);
