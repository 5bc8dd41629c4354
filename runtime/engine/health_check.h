/* health_check.h - asks a running container by a command inside it whether it works: one process at
 * a time, by boxd, killed when it takes longer than the rule allows. What the outcomes mean is
 * orch/health.h's.
 *
 *   waits --next--> asks boxd --exited, failed: an outcome--> waits
 *                      `-- patience: kills it, and hears of its end
 *
 * Each process has a name of its own, BOX/healthN: an answer that comes late meets nobody. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/document.h"
#include "lib/loop.h"
#include "orch/health.h"

struct boxd;
struct plan;

enum { HEALTH_CHECK_NAME_BYTES = DOCUMENT_NAME_BYTES + 24 };

struct health_check {
	struct loop *loop;
	struct boxd *box;
	const struct plan *plan;	/* its check; NULL = it has none */
	const char *container;
	struct health health;
	struct loop_timer next, patience;
	char name[HEALTH_CHECK_NAME_BYTES];	/* "" = none is under way */
	unsigned count;
	/* The state is another one now; said: the last words of the check that did it. */
	void (*changed)(struct health_check *h, const char *said);
};

/* changed is filled in. */
void health_check_init(struct health_check *h, struct loop *loop, struct boxd *box,
		       const struct plan *plan, const char *container);
/* It runs. known: what was said of this run before, else HEALTH_CHECKING. */
void health_check_begin(struct health_check *h, enum health_state known);
void health_check_end(struct health_check *h);	/* it ends; zeroed is fine */
/* The connection to boxd was lost, and with it the word of the one under way. */
void health_check_forget(struct health_check *h);

/* Answers and events of boxd; false: that is no process of ours. */
bool health_check_is_mine(const struct health_check *h, const char *name);
void health_check_failed(struct health_check *h, const char *sentence);
void health_check_exited(struct health_check *h, uint64_t exit_status, const char *said);
