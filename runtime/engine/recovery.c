/* recovery.c - see recovery.h. */
#include "engine/recovery.h"

#include <string.h>

#include "engine/boxd.h"
#include "engine/container_network.h"
#include "engine/load.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"
#include "orch/reconcile.h"

enum { LOST_STATUS = 137 };	/* nobody saw how it ended: as if it was killed */

static struct container *find(const struct recovery *r, const char *name)
{
	for (size_t i = 0; i < r->load->wanted_count; i++)
		if (str_equal(r->containers[i].doc.name, name))
			return &r->containers[i];
	return NULL;
}

static const struct recovery_listed *find_listed(const struct recovery *r, const char *name)
{
	for (size_t i = 0; i < r->listed_count; i++)
		if (str_equal(r->listed[i].name, name))
			return &r->listed[i];
	return NULL;
}

/* A health check that nobody waits for: its engine, or the connection, ended meanwhile. */
static void forget_check(struct recovery *r, const char *name)
{
	struct err e;

	for (size_t i = 0; i < r->load->wanted_count; i++) {
		const char *own = r->containers[i].doc.name;
		size_t length = strlen(own);

		if (strncmp(name, own, length) == 0 && str_starts(name + length, "/health") &&
		    boxd_delete(r->env->box, name, &e) < 0)
			log_warn("remove %s: %s", name, e.text);
	}
}

void recovery_begin(struct recovery *r)
{
	r->listed_count = 0;
}

void recovery_hear(struct recovery *r, const struct boxd_state *state)
{
	struct recovery_listed *entry = &r->listed[r->listed_count];

	if (strchr(state->name, '/')) {
		forget_check(r, state->name);
		return;
	}
	if (r->listed_count == RECOVERY_LISTED_MAX ||
	    !str_copy(entry->name, sizeof(entry->name), state->name))
		return;
	entry->running = state->running;
	entry->exit_status = state->exit_status;
	entry->oom_kills = state->oom_kills;
	r->listed_count++;
}

static void remove_unwanted(struct recovery *r, const char *name)
{
	struct err e;

	/* A batch is a guest in the data folder: it leaves others' containers as they are. */
	if (r->env->batch)
		return;
	log_info("container=%s is not in the compose file any more: removed", name);
	if (boxd_delete(r->env->box, name, &e) < 0)
		log_warn("remove %s: %s", name, e.text);
	if (r->env->documents_fd >= 0 &&
	    document_remove(r->env->documents_fd, name, &e) < 0)
		log_warn("remove %s: %s", name, e.text);
}

/* What nothing is left of starts when its service is seen to; what runs as it should not is
 * replaced there, one after the other. */
static void perform(struct recovery *r, const struct reconcile_step *step)
{
	const struct recovery_listed *listed = find_listed(r, step->name);
	struct container *c = find(r, step->name);
	bool runs = listed && listed->running;

	if (c && c->closed && !runs) {
		remove_unwanted(r, step->name);
		return;
	}
	switch (step->kind) {
	case RECONCILE_START:
		c->kept = c->doc.revision[0] != '\0';
		break;
	case RECONCILE_ADOPT:
		c->url_is_lost = r->load->token_is_new;
		container_event(c, TASK_STARTED);
		/* Its end was asked for, and may be on its way or lost. */
		if (c->doc.follows)
			container_share(c, true);
		break;
	case RECONCILE_SETTLE:
		container_ended(c, listed->exit_status, listed->oom_kills, "");
		break;
	case RECONCILE_REPLACE:
		c->is_old = runs;
		if (runs)
			container_event(c, TASK_STARTED);
		else
			container_replace(c);
		break;
	case RECONCILE_REMOVE:
		remove_unwanted(r, step->name);
		break;
	}
}

/* What is known of one container: its document, and boxd's word whether it runs. */
static struct reconcile_actual actual_of(const struct document *doc,
					 const struct recovery_listed *listed)
{
	struct reconcile_actual actual = {
		.name = doc ? doc->name : listed->name,
		.image = doc ? doc->image_digest : "",
		.revision = doc ? doc->revision : "",
		.found = RECONCILE_KEPT,
	};

	if (listed)
		actual.found = listed->running ? RECONCILE_RUNS : RECONCILE_ENDED;
	return actual;
}

static const struct document *find_document(const struct load *load, const char *name)
{
	for (size_t i = 0; i < load->document_count; i++)
		if (str_equal(load->documents[i].name, name))
			return &load->documents[i];
	return NULL;
}

static void reconcile_all(struct recovery *r)
{
	const struct load *load = r->load;
	struct reconcile_wanted wanted[PLAN_SLOTS_MAX];
	struct reconcile_actual actual[RECOVERY_LISTED_MAX + PLAN_SLOTS_MAX];
	struct reconcile_step steps[RECOVERY_LISTED_MAX + 2 * PLAN_SLOTS_MAX];
	size_t actual_count = 0, count;

	for (size_t i = 0; i < load->wanted_count; i++)
		wanted[i] = (struct reconcile_wanted){
			load->wanted[i].doc.name,
			load->wanted[i].plan.image_digest,
			load->wanted[i].plan.revision,
		};
	for (size_t i = 0; i < load->document_count; i++)
		actual[actual_count++] = actual_of(&load->documents[i],
						   find_listed(r, load->documents[i].name));
	for (size_t i = 0; i < r->listed_count; i++)
		if (!find_document(load, r->listed[i].name))
			actual[actual_count++] = actual_of(NULL, &r->listed[i]);
	count = reconcile(wanted, load->wanted_count, actual, actual_count, steps);
	for (size_t i = 0; i < count; i++)
		perform(r, &steps[i]);
}

/* After boxd came back: what happened while nobody heard it. */
static void repair(struct container *c, const struct recovery_listed *listed)
{
	bool running = listed && listed->running;

	switch (c->state) {
	case TASK_STARTING:
		if (running) {
			container_event(c, TASK_STARTED);
		} else {
			c->state = TASK_CREATED; /* the request was lost with the connection */
			container_event(c, TASK_START);
		}
		break;
	case TASK_RUNNING:
	case TASK_DRAINING:
	case TASK_STOPPING:
		if (running && c->attachments && c->member.state == MEMBER_OUT)
			container_declare(c);
		if (!running)
			container_ended(c, listed ? listed->exit_status : LOST_STATUS,
					listed ? listed->oom_kills : 0, "");
		else if (c->state == TASK_STOPPING)
			container_event(c, TASK_STARTED);	/* the signal was lost */
		break;
	case TASK_REMOVED:
		if (c->deleting)
			container_event(c, TASK_REMOVE);
		break;
	case TASK_CREATED:
	case TASK_BACKOFF:
	case TASK_EXITED:
	case TASK_STATES:
		if (running)
			container_event(c, TASK_STARTED);
		break;
	}
}

void recovery_end(struct recovery *r)
{
	if (!r->reconciled) {
		r->reconciled = true;
		reconcile_all(r);
	} else {
		for (size_t i = 0; i < r->load->wanted_count; i++)
			repair(&r->containers[i], find_listed(r, r->containers[i].doc.name));
	}
	for (size_t i = 0; i < r->load->wanted_count; i++)
		container_share_compare(&r->containers[i]);
}
