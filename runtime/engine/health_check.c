/* health_check.c - see health_check.h. */
#include "engine/health_check.h"

#include <signal.h>
#include <stdio.h>

#include "engine/boxd.h"
#include "engine/plan.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

static const struct health_rule *rule_of(const struct health_check *h)
{
	return h->plan ? &h->plan->check_rule : NULL;
}

static void wait_for_next(struct health_check *h)
{
	h->name[0] = '\0';
	loop_timer_off(&h->patience);
	loop_timer_set(h->loop, &h->next,
		       health_wait_ms(&h->health, rule_of(h), time_boot_ms()));
}

static void end_one(struct health_check *h, bool good, const char *said)
{
	bool changes = health_outcome(&h->health, rule_of(h), good, time_boot_ms());

	wait_for_next(h);
	if (changes)
		h->changed(h, said);
}

static void on_next(struct loop_timer *timer)
{
	struct health_check *h = owner_of(timer, struct health_check, next);
	struct err e;

	snprintf(h->name, sizeof(h->name), "%s/health%u", h->container, ++h->count);
	if (boxd_exec(h->box, h->name, h->plan->check, h->plan->check_bytes, &e) < 0) {
		log_warn("container=%s: health check: %s", h->container, e.text);
		wait_for_next(h);
		return;
	}
	loop_timer_set(h->loop, &h->patience, h->plan->check_rule.timeout_ms);
}

/* Its end is reported as any other's. */
static void on_patience(struct loop_timer *timer)
{
	struct health_check *h = owner_of(timer, struct health_check, patience);
	struct err e;

	log_info("container=%s: the health check takes too long: killed", h->container);
	if (boxd_kill(h->box, h->name, SIGKILL, &e) < 0)
		log_warn("container=%s: health check: %s", h->container, e.text);
}

void health_check_init(struct health_check *h, struct loop *loop, struct boxd *box,
		       const struct plan *plan, const char *container)
{
	h->loop = loop;
	h->box = box;
	h->plan = plan->check ? plan : NULL;
	h->container = container;
	h->next.on_time = on_next;
	h->patience.on_time = on_patience;
}

void health_check_begin(struct health_check *h, enum health_state known)
{
	health_check_end(h);
	health_begin(&h->health, rule_of(h), known, time_boot_ms());
	if (h->plan)
		wait_for_next(h);
}

void health_check_end(struct health_check *h)
{
	h->name[0] = '\0';
	loop_timer_off(&h->next);
	loop_timer_off(&h->patience);
}

void health_check_forget(struct health_check *h)
{
	if (h->name[0])
		wait_for_next(h);
}

bool health_check_is_mine(const struct health_check *h, const char *name)
{
	return h->name[0] && str_equal(h->name, name);
}

void health_check_failed(struct health_check *h, const char *sentence)
{
	end_one(h, false, sentence);
}

void health_check_exited(struct health_check *h, uint64_t exit_status, const char *said)
{
	struct err e;

	if (boxd_delete(h->box, h->name, &e) < 0)
		log_warn("container=%s: health check: %s", h->container, e.text);
	end_one(h, exit_status == 0, said);
}
