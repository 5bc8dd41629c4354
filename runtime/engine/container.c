/* container.c - see container.h. */
#include "engine/container.h"
#include "engine/container_network.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "compose/compose.h"
#include "engine/batch.h"
#include "engine/boxd.h"
#include "engine/report.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

enum {
	URL_BYTES_MAX = 768,
	OOM_SAY_MS = 5000,
};

void container_save(struct container *c)
{
	struct container_env *env = c->env;
	struct err e;

	str_copy(c->doc.state, sizeof(c->doc.state), task_state_name(c->state));
	if (env->documents_fd < 0)
		return;
	if (document_write(env->documents_fd, &c->doc, &e) == 0) {
		if (env->memory_only)
			report_say(env->report, "the data disk takes the engine's state again");
		env->memory_only = false;
		return;
	}
	if (!env->memory_only)
		report_error(env->report,
			     "the engine's state cannot be written to the data disk (%s): it goes "
			     "on from memory; free some space under /data",
			     e.text);
	env->memory_only = true;
}

bool container_ask(struct container *c, enum container_request request)
{
	if (c->asked_count == CONTAINER_ASKED_MAX) {
		log_warn("container=%s: too many requests under way", c->doc.name);
		return false;
	}
	c->asked[c->asked_count++] = request;
	return true;
}

/* A request that cannot be sent is repeated after the connection is back: see the engine's list. */
void container_sent(struct container *c, int status, const struct err *e)
{
	if (status == 0)
		return;
	c->asked_count--;
	log_warn("container=%s: %s", c->doc.name, e->text);
}

/* Who has not said yet whether it works gets no client: they go to others, or wait at the port. Who
 * does not work gets those that nobody else can take. */
static void serve(struct container *c)
{
	static const enum netd_backend states[HEALTH_STATES] = {
		[HEALTH_UNCHECKED] = NETD_SERVES,
		[HEALTH_CHECKING] = NETD_GONE,
		[HEALTH_HEALTHY] = NETD_SERVES,
		[HEALTH_UNHEALTHY] = NETD_ILL,
	};

	if (c->attachments)
		member_serve_as(&c->member, states[c->check.health.state]);
}

static void do_start(struct container *c)
{
	struct container_env *env = c->env;
	struct err e;

	c->url_is_lost = false;
	str_copy(c->doc.image, sizeof(c->doc.image), c->plan.image);
	str_copy(c->doc.image_digest, sizeof(c->doc.image_digest), c->plan.image_digest);
	str_copy(c->doc.revision, sizeof(c->doc.revision), c->plan.revision);
	health_begin(&c->check.health, c->plan.check ? &c->plan.check_rule : NULL, HEALTH_CHECKING,
		     time_boot_ms());
	str_copy(c->doc.health, sizeof(c->doc.health), health_name(c->check.health.state));
	serve(c);
	/* Before the container's first byte: boxd's files without a document would have no owner.
	 */
	container_save(c);
	if (!container_may_start(c))
		return;
	if (container_ask(c, CONTAINER_ASKED_START))
		container_sent(c,
		     boxd_start(env->box, c->doc.name, &c->plan, env->project, env->output_fd, &e),
		     &e);
}

static void do_signal(struct container *c, unsigned signal_number)
{
	struct err e;

	if (c->awaits_network) {
		c->awaits_network = false;
		container_event(c, TASK_FINAL);
		return;
	}
	if (c->attachments)
		member_serve_as(&c->member, c->replaced ? NETD_GONE : NETD_DRAINS);
	if (container_ask(c, CONTAINER_ASKED_KILL))
		container_sent(c, boxd_kill(c->env->box, c->doc.name, signal_number, &e), &e);
}

static void do_delete(struct container *c)
{
	struct err e;

	c->awaits_network = c->held = false;
	c->deleting = true;
	member_leave(&c->member, container_leaves(c, true));
	if (container_ask(c, CONTAINER_ASKED_DELETE))
		container_sent(c, boxd_delete(c->env->box, c->doc.name, &e), &e);
}

static void print_url(struct container *c)
{
	const struct compose_service *s = c->plan.service;
	char url[URL_BYTES_MAX];

	if (c->env->url)
		snprintf(url, sizeof(url), "%s%s", c->env->url, s->open_url ? s->open_url : "/");
	else
		snprintf(url, sizeof(url), "http://%s:%u%s", c->ready.target.host,
			 c->ready.target.port, s->open_url ? s->open_url : "/");
	report_ready(c->env->report, url);
}

static void on_ready(struct ready *ready)
{
	struct container *c = owner_of(ready, struct container, ready);

	log_info("container=%s answers", c->doc.name);
	if (c->doc.restarts == 0)
		report_stage(c->env->report, "url");
	if (c->url_is_lost)
		report_say(c->env->report,
			   "%s runs on; its address is the one that was printed when it started",
			   c->doc.name);
	else
		print_url(c);
}

static void on_wait(struct ready *ready, uint64_t seconds)
{
	struct container *c = owner_of(ready, struct container, ready);

	report_say(c->env->report,
		   "%s: runs for %" PRIu64 " s and does not answer at port %u yet; still waiting",
		   c->doc.name, seconds, ready->target.port);
}

static void say_reason(const struct container *c, const char *said)
{
	while (*said) {
		size_t size = strcspn(said, "\n");

		report_say(c->env->report, "%s said: %.*s", c->doc.name, (int)size, said);
		said += size + (said[size] == '\n');
	}
}

static void on_health(struct health_check *h, const char *said)
{
	struct container *c = owner_of(h, struct container, check);

	str_copy(c->doc.health, sizeof(c->doc.health), health_name(h->health.state));
	if (h->health.state == HEALTH_UNHEALTHY) {
		report_say(c->env->report, "%s: is unhealthy: its check failed %u times in a row",
			   c->doc.name, h->health.bad);
		say_reason(c, said);
	} else {
		log_info("container=%s is %s", c->doc.name, c->doc.health);
	}
	container_save(c);
	if (c->state == TASK_RUNNING)
		serve(c);
	c->env->on_change(c->env->ctx);
}

static void do_watch(struct container *c, bool began)
{
	c->up_since_ms = time_boot_ms();
	health_check_begin(&c->check, health_named(c->doc.health));
	serve(c);
	if (c->attachments && c->member.state == MEMBER_OUT)
		container_declare(c);
	c->env->on_start(c->env->ctx, c, began);
	if (c->ready.loop && !c->env->batch)
		ready_start(&c->ready);
}

static void do_wait(struct container *c)
{
	c->wait_ms =
		restart_wait_ms(c->wait_ms, c->up_since_ms ? time_boot_ms() - c->up_since_ms : 0);
	c->up_since_ms = 0;
	c->doc.restarts++;
	loop_timer_set(c->env->loop, &c->timer, c->wait_ms);
	report_say(c->env->report, "%s: starts again in %" PRIu64 " ms (restart %" PRIu64 ")",
		   c->doc.name, c->wait_ms, c->doc.restarts);
}

/* For its work to end, and then for itself. */
static uint64_t patience_ms(const struct container *c)
{
	uint64_t most_ms = c->env->grace_most_ms;

	return c->plan.stop_grace_ms < most_ms ? c->plan.stop_grace_ms : most_ms;
}

static void act(struct container *c, enum task_state before, enum task_action action)
{
	switch (action) {
	case TASK_DO_NOTHING:
		break;
	case TASK_DO_START:
		do_start(c);
		break;
	case TASK_DO_WATCH:
		do_watch(c, before == TASK_STARTING);
		break;
	case TASK_DO_WAIT:
		do_wait(c);
		break;
	case TASK_DO_DRAIN:
		loop_timer_set(c->env->loop, &c->timer, patience_ms(c));
		container_drain(c);
		break;
	case TASK_DO_SIGNAL:
		do_signal(c, c->plan.stop_signal);
		loop_timer_set(c->env->loop, &c->timer, patience_ms(c));
		break;
	case TASK_DO_KILL:
		log_warn("container=%s did not end within %" PRIu64 " ms: killed", c->doc.name,
			 patience_ms(c));
		do_signal(c, SIGKILL);
		break;
	case TASK_DO_REPORT:
		if (c->doc.follows) {
			container_start(c);
			break;
		}
		c->env->on_end(c->env->ctx, c);
		if (c->replaced)
			container_event(c, TASK_REMOVE);
		break;
	case TASK_DO_DELETE:
		do_delete(c);
		break;
	}
}

/* Whoever wants it down now wants it to stay down, unless it follows. Else that is remembered until
 * its new start is over: an engine that is killed meanwhile leaves the rest to the next one. */
static void take(struct container *c, enum task_event event, bool follows)
{
	struct task_step step = task_step(c->state, event);
	enum task_state before = c->state;
	bool followed = c->doc.follows;

	c->state = step.next;
	if (event == TASK_STOP || event == TASK_DRAIN || event == TASK_REMOVE ||
	    (before == TASK_STARTING && step.next != before))
		c->doc.follows = follows;
	if (step.next != TASK_RUNNING)
		c->net_ns[1] = 0;
	if (before != step.next) {
		log_info("container=%s %s -> %s (%s)", c->doc.name, task_state_name(before),
			 task_state_name(step.next), task_event_name(event));
		loop_timer_off(&c->timer);
		ready_stop(&c->ready);
		loop_timer_off(&c->drain);
		if (step.next != TASK_RUNNING)
			health_check_end(&c->check);
		c->env->on_change(c->env->ctx);
		if (step.action != TASK_DO_START && step.next != TASK_REMOVED)
			container_save(c);
	} else if (followed != c->doc.follows) {
		container_save(c);
	}
	act(c, before, step.action);
}

void container_event(struct container *c, enum task_event event)
{
	take(c, event, false);
}

void container_follow(struct container *c)
{
	take(c, TASK_STOP, true);
}

void container_stop(struct container *c)
{
	if (c->state == TASK_STOPPING)
		loop_timer_set(c->env->loop, &c->timer, patience_ms(c));
	container_event(c, TASK_STOP);
}

static void on_time(struct loop_timer *timer)
{
	container_event(owner_of(timer, struct container, timer), TASK_DUE);
}

int container_init(struct container *c, struct container_env *env, const struct plan *plan,
		   const struct document *doc, const struct attachments *attachments,
		   struct member_ports *ports, struct err *e)
{
	static const enum restart_policy policies[] = {
		[COMPOSE_RESTART_NO] = RESTART_NEVER,
		[COMPOSE_RESTART_ALWAYS] = RESTART_ALWAYS,
		[COMPOSE_RESTART_ON_FAILURE] = RESTART_ON_FAILURE,
		[COMPOSE_RESTART_UNLESS_STOPPED] = RESTART_ALWAYS,
	};
	const struct compose_service *s = plan->service;
	struct ready_target target;

	*c = (struct container){ .env = env, .plan = *plan, .doc = *doc, .state = TASK_CREATED };
	c->timer.on_time = on_time;
	health_check_init(&c->check, env->loop, env->box, &c->plan, c->doc.name);
	c->check.changed = on_health;
	container_init_network(c, attachments, ports);
	c->rule = (struct restart_rule){ policies[s->restart], s->restart_max };
	if (env->batch)
		c->rule.policy = RESTART_NEVER;
	if (!s->ready_url)
		return 0;
	if (ready_parse(s->ready_url, &target, e) < 0)
		return err_add(e, "service %s: x-cuvette: ready", s->name);
	ready_init(&c->ready, env->loop, &target, on_ready, on_wait);
	return 0;
}

void container_finish(struct container *c)
{
	loop_timer_off(&c->timer);
	loop_timer_off(&c->drain);
	ready_stop(&c->ready);
	health_check_end(&c->check);
	member_finish(&c->member);
}

void container_start(struct container *c)
{
	c->kept = false;
	c->doc.restarts = 0;
	container_event(c, TASK_START);
}

void container_replace(struct container *c)
{
	c->replaced = true;
	if (container_is_up(c))
		container_event(c, TASK_DRAIN);
	if (!container_is_up(c) && c->state != TASK_REMOVED)
		container_event(c, TASK_REMOVE);
}

static bool again(const struct container *c, uint64_t exit_status)
{
	return restart_again(&c->rule, exit_status, (unsigned)c->doc.restarts);
}

/* Who fails soon after each start never gets to where a user could look: the reason goes to the
 * console, the 2nd, 4th, 8th... time and when it was the last. */
static bool wants_reason(struct container *c, uint64_t exit_status, bool restart)
{
	bool is_short = exit_status != 0 && c->up_since_ms &&
			time_boot_ms() - c->up_since_ms < RESTART_STABLE_MS;

	c->short_runs = is_short ? c->short_runs + 1 : 0;
	if (!is_short || c->env->batch || c->state == TASK_STOPPING)
		return false;
	return !restart ||
	       (c->short_runs > 1 && (c->short_runs & (c->short_runs - 1)) == 0);
}

void container_ended(struct container *c, uint64_t exit_status, uint64_t oom_kills,
		     const char *said)
{
	bool restart = !c->doc.follows && again(c, exit_status);
	bool reason = wants_reason(c, exit_status, restart);

	c->doc.exit_status = exit_status;
	c->doc.oom_kills = oom_kills;
	c->never_ran = c->held = false;
	/* Its ports wait for its next life, if there is one. */
	member_leave(&c->member,
		     container_leaves(c, !restart || c->state == TASK_STOPPING));
	if (!c->env->batch && c->state != TASK_STOPPING && c->state != TASK_DRAINING &&
	    container_is_up(c))
		report_say(c->env->report, "%s: ended with status %" PRIu64 "%s", c->doc.name,
			   exit_status, restart ? "" : "; it is not started again");
	container_event(c, restart ? TASK_AGAIN : TASK_FINAL);
	if (reason)
		say_reason(c, said);
}

void container_oom(struct container *c, uint64_t limit_bytes, uint64_t oom_kills)
{
	uint64_t now_ms = time_boot_ms();
	char size[REPORT_SIZE_BYTES];

	c->doc.oom_kills = oom_kills;
	/* Who eats memory in a loop is killed up to 100 times a second: of such a burst 1, 2,
	 * 4, 8... are said. Fewer than before is another life of the container. */
	if (oom_kills >= c->oom_said && oom_kills < 2 * c->oom_said &&
	    now_ms - c->oom_said_ms < OOM_SAY_MS)
		return;
	c->oom_said = oom_kills;
	c->oom_said_ms = now_ms;
	report_error(c->env->report,
		     "%s: out of memory: the kernel killed a process at the limit of %s (%" PRIu64
		     " kill%s so far); raise it with \"make run MEM=...\" or mem_limit",
		     c->doc.name, report_size(size, limit_bytes), oom_kills,
		     oom_kills == 1 ? "" : "s");
	container_save(c);
}

/* The request that an answer belongs to; false when none is under way. */
bool container_answered(struct container *c, enum container_request *request)
{
	if (!c->asked_count)
		return false;
	*request = c->asked[0];
	memmove(c->asked, c->asked + 1, --c->asked_count * sizeof(c->asked[0]));
	return true;
}

void container_started(struct container *c)
{
	enum container_request request;

	/* Without a request under way it answers one of before the connection was lost: a fact all
	 * the same. */
	c->held = false;
	if (container_answered(c, &request) && request != CONTAINER_ASKED_START &&
	    request != CONTAINER_ASKED_RELEASE)
		log_warn("container=%s: boxd says started where another answer was due",
			 c->doc.name);
	if (c->state == TASK_STARTING && c->doc.restarts == 0) {
		char stage[DOCUMENT_NAME_BYTES + 16];

		snprintf(stage, sizeof(stage), "service:%s", c->doc.name);
		report_stage(c->env->report, stage);
	}
	container_event(c, TASK_STARTED);
}

static void deleted(struct container *c)
{
	struct err e;

	if (c->env->documents_fd >= 0 && document_remove(c->env->documents_fd, c->doc.name, &e) < 0)
		log_warn("container=%s: %s", c->doc.name, e.text);
	c->deleting = c->replaced = c->is_old = false;
	c->env->on_change(c->env->ctx);
}

void container_start_failed(struct container *c, const char *sentence)
{
	bool restart = again(c, BATCH_STATUS_CANNOT_START);

	report_error(c->env->report, "%s could not be started: %s", c->doc.name, sentence);
	c->doc.exit_status = BATCH_STATUS_CANNOT_START;
	c->never_ran = true;
	c->held = false;
	member_leave(&c->member, container_leaves(c, !restart));
	container_event(c, restart ? TASK_AGAIN : TASK_FINAL);
}

void container_failed(struct container *c, const char *sentence)
{
	enum container_request request;

	if (!container_answered(c, &request)) {
		/* Who is held may die without being asked for anything. */
		if (c->held)
			container_start_failed(c, sentence);
		else
			log_warn("container=%s: boxd says: %s", c->doc.name, sentence);
		return;
	}
	switch (request) {
	case CONTAINER_ASKED_START:
	case CONTAINER_ASKED_RELEASE:
		container_start_failed(c, sentence);
		break;
	case CONTAINER_ASKED_NETNS:
		log_warn("container=%s: its network: %s", c->doc.name, sentence);
		c->member.lost = true;
		c->env->on_change(c->env->ctx);
		break;
	case CONTAINER_ASKED_KILL:
		/* It went away by itself meanwhile: its end is reported on its own. */
		log_info("container=%s: signal: %s", c->doc.name, sentence);
		break;
	case CONTAINER_ASKED_DELETE:
		log_warn("container=%s: delete: %s", c->doc.name, sentence);
		deleted(c);
		break;
	}
}

void container_done(struct container *c)
{
	enum container_request request;

	if (!container_answered(c, &request))
		return;
	if (request == CONTAINER_ASKED_DELETE)
		deleted(c);
	else if (request == CONTAINER_ASKED_KILL && c->held)
		container_ended_held(c);
}

void container_forget_requests(struct container *c)
{
	c->asked_count = 0;
	health_check_forget(&c->check);
	/* boxd calls off what is held when the connection ends. */
	if (c->held || c->awaits_network)
		member_leave(&c->member, MEMBER_COMES_BACK);
	c->held = c->awaits_network = c->called_off = false;
}

bool container_is_up(const struct container *c)
{
	return c->state == TASK_STARTING || c->state == TASK_RUNNING ||
	       c->state == TASK_DRAINING || c->state == TASK_STOPPING;
}

bool container_works(const struct container *c)
{
	return c->state == TASK_RUNNING && health_works(&c->check.health);
}

bool container_is_settled(const struct container *c, uint64_t least_ms)
{
	uint64_t up_ms = time_boot_ms() - c->up_since_ms;

	if (c->state == TASK_EXITED)
		return !c->never_ran && c->doc.exit_status == 0;
	return container_works(c) && up_ms >= least_ms &&
	       (c->check.health.state == HEALTH_HEALTHY || up_ms >= CONTAINER_SETTLE_MS);
}
