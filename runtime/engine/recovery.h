/* recovery.h - what runs at boxd against what the documents and the compose file say: told by
 * boxd's list whenever the connection stands.
 *
 * The first list is reconciled (orch/reconcile.h), each later one only repairs what was missed.
 * What shall start, and what runs as it should not, is left to its service (service.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/container.h"
#include "engine/document.h"
#include "engine/plan.h"

struct boxd_state;
struct load;

enum { RECOVERY_LISTED_MAX = 2 * PLAN_SLOTS_MAX };

struct recovery_listed {
	char name[DOCUMENT_NAME_BYTES];
	bool running;
	uint64_t exit_status, oom_kills;
};

struct recovery {
	const struct load *load;
	struct container_env *env;
	struct container *containers;	/* load->wanted_count */
	struct recovery_listed listed[RECOVERY_LISTED_MAX];
	size_t listed_count;
	bool reconciled;
};

void recovery_begin(struct recovery *r);
void recovery_hear(struct recovery *r, const struct boxd_state *state);
void recovery_end(struct recovery *r);
