/* service.c - see service.h. */
#include "engine/service.h"

#include "compose/compose.h"
#include "engine/container.h"
#include "engine/plan.h"
#include "lib/log.h"
#include "lib/time.h"
#include "orch/rollout.h"

void service_init(struct service *s, const struct compose_service *compose, struct arena *arena)
{
	*s = (struct service){ .compose = compose };
	member_ports_init(&s->ports, compose, arena);
}

static struct rollout_place place_of(const struct service *s, const struct container *c)
{
	bool is_old = c->is_old || c->closed;
	/* An old one has shown long ago what a new one still has to. */
	struct rollout_place p = {
		.works = is_old ? container_works(c) :
				  container_is_settled(c, s->compose->replicas.monitor_ms),
		.closed = c->closed,
	};

	switch (c->state) {
	case TASK_CREATED:
		p.found = c->kept ? ROLLOUT_KEPT : ROLLOUT_EMPTY;
		break;
	case TASK_STARTING:
	case TASK_RUNNING:
	case TASK_BACKOFF:
	case TASK_EXITED:
	case TASK_STATES:
		p.found = is_old ? ROLLOUT_OLD : ROLLOUT_NEW;
		break;
	case TASK_DRAINING:
	case TASK_STOPPING:
		p.found = ROLLOUT_ENDS;
		break;
	case TASK_REMOVED:
		p.found = c->deleting ? ROLLOUT_ENDS : ROLLOUT_EMPTY;
		break;
	}
	return p;
}

static bool ends_well(const struct service *s)
{
	unsigned count = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct container *c = &s->containers[i];

		if (c->state == TASK_EXITED && !c->never_ran && c->doc.exit_status == 0)
			count++;
	}
	return count >= s->compose->replicas.count;
}

bool service_meets(const struct service *s, enum compose_condition condition)
{
	unsigned runs = 0, works = 0;

	for (size_t i = 0; i < s->count; i++) {
		runs += s->containers[i].state == TASK_RUNNING;
		works += container_works(&s->containers[i]);
	}
	switch (condition) {
	case COMPOSE_STARTED:
		/* It may have come and gone already. */
		return runs > 0 || ends_well(s);
	case COMPOSE_HEALTHY:
		return works >= s->compose->replicas.count;
	case COMPOSE_COMPLETED:
		return ends_well(s);
	case COMPOSE_CONDITIONS:
		break;
	}
	return false;
}

bool service_has_peers(const struct service *s, const struct container *c)
{
	for (size_t i = 0; i < s->count; i++)
		if (&s->containers[i] != c && container_works(&s->containers[i]))
			return true;
	return false;
}

static void say_blocked(struct service *s)
{
	if (s->is_blocked && !s->is_blocked_said && s->containers[0].state == TASK_CREATED)
		log_info("service=%s waits for what it depends on", s->compose->name);
	s->is_blocked_said = s->is_blocked;
}

static void perform(struct service *s, const struct rollout_step *step)
{
	struct container *c = &s->containers[step->place];

	if (step->kind == ROLLOUT_START) {
		container_start(c);
		return;
	}
	log_info("service=%s: %s is replaced or not wanted any more", s->compose->name,
		 c->doc.name);
	container_replace(c);
}

/* `delay` goes by when all successors of before have shown that they work. */
static bool rests(struct service *s, const struct rollout_place *places)
{
	unsigned news = 0, fresh = 0;

	for (size_t i = 0; i < s->count; i++) {
		news += places[i].found == ROLLOUT_NEW;
		fresh += places[i].found == ROLLOUT_NEW && !places[i].works;
	}
	if (!news || fresh)
		s->settled_ms = 0;
	else if (!s->settled_ms)
		s->settled_ms = time_boot_ms();
	if (!news || !s->compose->replicas.delay_ms)
		return false;
	return fresh || time_boot_ms() - s->settled_ms < s->compose->replicas.delay_ms;
}

/* Whoever serves goes on until it is known that his successor can have the ports. */
static bool waits_for_ports(const struct service *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct container *c = &s->containers[i];

		if (c->is_old && c->state == TASK_RUNNING && !c->env->batch &&
		    member_is_unsettled(&c->member))
			return true;
	}
	return false;
}

bool service_roll(struct service *s)
{
	const struct compose_replicas *r = &s->compose->replicas;
	struct rollout_rule rule = { r->count, r->start_first, s->is_blocked, false, r->at_once };
	struct rollout_place places[PLAN_SLOTS_MAX];
	struct rollout_step step;
	bool unsettled = false, olds = false;

	if (waits_for_ports(s))
		return false;
	say_blocked(s);
	do {
		for (size_t i = 0; i < s->count; i++)
			places[i] = place_of(s, &s->containers[i]);
		rule.rests = rests(s, places);
		step = rollout_step(&rule, places, s->count);
		if (step.kind)
			perform(s, &step);
	} while (step.kind);
	for (size_t i = 0; i < s->count; i++) {
		olds = olds || places[i].found == ROLLOUT_OLD;
		unsettled = unsettled || (places[i].found == ROLLOUT_NEW && !places[i].works);
	}
	return olds && (unsettled || rule.rests);
}
