/* container_network.c - a container's start and life as far as networks go: see container.h.
 *
 *   START (hold) -> BOX_HELD -> member_join -> joined -> BOX_RELEASE -> BOX_STARTED
 *                                    `-> failed -> BOX_KILL -> BOX_DONE: the start has failed */
#include "engine/container.h"
#include "engine/container_network.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/batch.h"
#include "engine/boxd.h"
#include "engine/netd.h"
#include "engine/report.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

enum {
	SENTENCE_BYTES = 512,
	DRAIN_ASK_MS = 100,
};

/* Who runs on with the numbers of before has nothing new to say. */
static void tell_ports(struct container *c, bool goes_on)
{
	for (size_t i = 0; i < c->member.ports->count; i++) {
		struct member_port *p = &c->member.ports->items[i];
		uint16_t known = !p->said && goes_on ? p->recalled : p->said;
		const char *address = p->map->host_address;

		if ((p->first == 0 || p->first != p->last) && known != p->port)
			report_say(c->env->report, "%s: its port %u is published at port %u%s%s",
				   c->plan.service->name, p->container_port, p->port,
				   address[0] ? " of " : "", address);
		p->said = p->port;
	}
	if (member_ports_note(&c->member, &c->doc))
		container_save(c);
}

static void on_joined(struct member *m)
{
	struct container *c = owner_of(m, struct container, member);
	struct err e;

	tell_ports(c, false);
	if (c->held && container_ask(c, CONTAINER_ASKED_RELEASE))
		container_sent(c, boxd_release(c->env->box, c->doc.name, &e), &e);
}

static void call_off(struct container *c)
{
	struct err e;

	if (container_ask(c, CONTAINER_ASKED_KILL))
		container_sent(c, boxd_kill(c->env->box, c->doc.name, SIGKILL, &e), &e);
}

/* The sentence is kept until boxd has cleared the start away: the next one may follow at once. */
static void on_failed(struct member *m, const char *sentence)
{
	struct container *c = owner_of(m, struct container, member);

	report_error(c->env->report, "%s could not be started: %s", c->doc.name, sentence);
	c->called_off = true;
	call_off(c);
}

static void on_settled(struct member *m)
{
	struct container *c = owner_of(m, struct container, member);

	if (m->state == MEMBER_IN)
		tell_ports(c, true);
	c->env->on_change(c->env->ctx);
}

/* The successor would fail at the same: see service_roll. */
static void on_refused(struct member *m, const char *sentence)
{
	struct container *c = owner_of(m, struct container, member);

	report_error(c->env->report, "%s: %s; until it can be had it runs on as it was, %s",
		     c->doc.name, sentence,
		     c->is_old ? "with its ports of before" : "without it");
}

static void on_found(struct member *m)
{
	struct container *c = owner_of(m, struct container, member);

	report_say(c->env->report, "%s: all of its ports can be had now", c->doc.name);
}

/* What does not answer is waited for as long as what does not end; so is a member that netd is
 * being told of again: until then clients may still be sent there. */
static void on_drain_time(struct loop_timer *timer)
{
	struct container *c = owner_of(timer, struct container, drain);
	const char *network = attachments_network(c->attachments);
	struct err e;

	if (c->member.state == MEMBER_IN && !c->member.ports->count) {
		container_event(c, TASK_DRAINED);
		return;
	}
	if (member_is_counted(&c->member) &&
	    netd_ask_counters(c->env->net, network, c->doc.name, &e) < 0)
		log_warn("container=%s: %s", c->doc.name, e.text);
	loop_timer_set(c->env->loop, timer, DRAIN_ASK_MS);
}

void container_init_network(struct container *c, const struct attachments *attachments,
			    struct member_ports *ports)
{
	if (!attachments || !attachments->count)
		return;
	c->attachments = attachments;
	c->member.joined = on_joined;
	c->member.failed = on_failed;
	c->member.settled = on_settled;
	c->member.refused = on_refused;
	c->member.found = on_found;
	c->drain.on_time = on_drain_time;
	member_init(&c->member, c->env->loop, c->env->net, attachments, ports, c->env->arena);
	member_ports_recall(&c->member, &c->doc);
}

enum member_leave container_leaves(const struct container *c, bool final)
{
	if (c->replaced)
		return MEMBER_IS_REPLACED;
	return final ? MEMBER_ENDS : MEMBER_COMES_BACK;
}

void container_drain(struct container *c)
{
	if (!c->attachments) {
		container_event(c, TASK_DRAINED);
		return;
	}
	/* With nobody else behind the port clients wait for who comes. */
	member_serve_as(&c->member,
			c->env->has_peers(c->env->ctx, c) ? NETD_DRAINS : NETD_GONE);
	c->idle_answers = 0;
	loop_timer_set(c->env->loop, &c->drain, 0);
}

void container_counted(struct container *c, const char *network, uint64_t connections)
{
	/* Its ports lead over this one; enginectl asks of the others too. */
	if (!c->attachments ||
	    !str_equal(network, attachments_network(c->attachments)))
		return;
	/* The first answer may be to somebody's question of before the word to drain; after that
	 * word, which went the same way, no connection comes. */
	c->idle_answers = connections ? 0 : c->idle_answers + 1;
	if (c->state == TASK_DRAINING && c->idle_answers >= 2)
		container_event(c, TASK_DRAINED);
}

bool container_comes_anew(const struct container *c)
{
	/* A closed place (place.h) is emptied by the same rollout, and nobody starts there after.
	 */
	return !c->closed && (c->replaced || c->state == TASK_REMOVED);
}

static void fail_alone(struct container *c)
{
	char sentence[SENTENCE_BYTES];

	snprintf(sentence, sizeof(sentence), "%s, whose network it shares, does not run",
		 c->plan.network_of);
	container_start_failed(c, sentence);
}

bool container_may_start(struct container *c)
{
	const char *shared = c->plan.network_of;
	struct container *other = *shared ? c->env->find(c->env->ctx, shared) : NULL;

	if (c->attachments && c->attachments->error) {
		container_start_failed(c, c->attachments->error);
		return false;
	}
	if (!*shared || (other && other->state == TASK_RUNNING))
		return true;
	if (other && (container_comes_anew(other) ||
		      (other->state != TASK_EXITED && other->state != TASK_REMOVED))) {
		log_info("container=%s waits for %s, whose network it shares", c->doc.name, shared);
		c->awaits_network = true;
		return false;
	}
	fail_alone(c);
	return false;
}

static void ask_network(struct container *c)
{
	struct err e;

	for (size_t i = 0; i < c->asked_count; i++)
		if (c->asked[i] == CONTAINER_ASKED_NETNS)
			return;
	if (container_ask(c, CONTAINER_ASKED_NETNS))
		container_sent(c, boxd_netns(c->env->box, c->doc.name, &e), &e);
}

void container_share(struct container *c, bool anew)
{
	if (c->awaits_network) {
		c->awaits_network = false;
		/* As if it began now: the document was written when it began. */
		c->state = TASK_CREATED;
		container_event(c, TASK_START);
	} else if (anew && (c->state == TASK_RUNNING || c->state == TASK_STARTING) &&
		   !c->closed && !c->replaced) {
		report_say(c->env->report,
			   "%s starts again too: %s, whose network it shares, has started anew",
			   c->doc.name, c->plan.network_of);
		container_follow(c);
	}
}

void container_share_compare(struct container *c)
{
	const char *shared = c->plan.network_of;
	struct container *other = *shared ? c->env->find(c->env->ctx, shared) : NULL;

	if (!other || c->state != TASK_RUNNING || other->state != TASK_RUNNING)
		return;
	if (!c->net_ns[1])
		ask_network(c);
	if (!other->net_ns[1])
		ask_network(other);
	if (c->net_ns[1] && other->net_ns[1] &&
	    (c->net_ns[0] != other->net_ns[0] || c->net_ns[1] != other->net_ns[1]))
		container_share(c, true);
}

void container_share_never(struct container *c)
{
	if (!c->awaits_network)
		return;
	c->awaits_network = false;
	fail_alone(c);
}

void container_held(struct container *c, int net_ns_fd)
{
	enum container_request request;

	if (!container_answered(c, &request) || request != CONTAINER_ASKED_START)
		log_warn("container=%s: boxd holds a start that nobody asked for", c->doc.name);
	c->held = true;
	if (c->state == TASK_STARTING && c->attachments)
		member_join(&c->member, net_ns_fd);
	else if (c->state != TASK_REMOVED)	/* it was stopped meanwhile */
		call_off(c);
}

void container_ended_held(struct container *c)
{
	bool restart = c->called_off &&
		       restart_again(&c->rule, BATCH_STATUS_CANNOT_START,
				     (unsigned)c->doc.restarts);

	c->held = c->called_off = false;
	c->never_ran = true;
	c->doc.exit_status = BATCH_STATUS_CANNOT_START;
	member_leave(&c->member, container_leaves(c, !restart));
	container_event(c, restart ? TASK_AGAIN : TASK_FINAL);
}

void container_declare(struct container *c)
{
	if (c->attachments && !c->held && container_is_up(c) && c->state != TASK_STARTING)
		ask_network(c);
}

void container_network(struct container *c, int net_ns_fd)
{
	enum container_request request;
	struct stat ns;

	if (!container_answered(c, &request) || request != CONTAINER_ASKED_NETNS)
		log_warn("container=%s: boxd answers what nobody asked", c->doc.name);
	if (c->state == TASK_RUNNING && fstat(net_ns_fd, &ns) == 0) {
		c->net_ns[0] = ns.st_dev;
		c->net_ns[1] = ns.st_ino;
	}
	if (c->attachments && container_is_up(c))
		member_rejoin(&c->member, net_ns_fd);
}

void container_netd_is_there(struct container *c)
{
	if (!c->attachments)
		return;
	if (c->member.state == MEMBER_WAITING)
		member_netd_is_there(&c->member);
	else
		container_declare(c);
}

void container_netd_is_gone(struct container *c)
{
	if (c->attachments)
		member_netd_is_gone(&c->member);
}
