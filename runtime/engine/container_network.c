/* container_network.c - a container's start and life as far as networks go: see container.h.
 *
 *   START (hold) -> BOX_HELD -> member_join -> joined -> BOX_RELEASE -> BOX_STARTED
 *                                    `-> failed -> BOX_KILL -> BOX_DONE: the start has failed */
#include "engine/container.h"

#include <signal.h>
#include <stdio.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/batch.h"
#include "engine/boxd.h"
#include "engine/report.h"
#include "lib/err.h"
#include "lib/log.h"

enum { SENTENCE_BYTES = 512 };

static void on_joined(struct member *m)
{
	struct container *c = owner_of(m, struct container, member);
	struct err e;

	for (size_t i = 0; i < m->port_count; i++)
		if (m->ports[i].first != m->ports[i].port)
			report_say(c->env->report, "%s: its port %u is published at port %u",
				   c->doc.name, m->ports[i].container_port, m->ports[i].port);
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

void container_init_network(struct container *c, const struct attachments *attachments)
{
	if (!attachments || !attachments->count)
		return;
	c->attachments = attachments;
	c->member.joined = on_joined;
	c->member.failed = on_failed;
	member_init(&c->member, c->env->loop, c->env->net, attachments, c->env->arena);
}

bool container_may_start(struct container *c)
{
	const char *shared = c->plan.network_of;
	struct container *other = *shared ? c->env->find(c->env->ctx, shared) : NULL;
	char sentence[SENTENCE_BYTES];

	if (c->attachments && c->attachments->error) {
		container_start_failed(c, c->attachments->error);
		return false;
	}
	if (!*shared || (other && other->state == TASK_RUNNING))
		return true;
	if (other && other->state != TASK_EXITED && other->state != TASK_REMOVED) {
		log_info("container=%s waits for %s, whose network it shares", c->doc.name, shared);
		c->awaits_network = true;
		return false;
	}
	snprintf(sentence, sizeof(sentence), "%s, whose network it shares, does not run", shared);
	container_start_failed(c, sentence);
	return false;
}

void container_share(struct container *c)
{
	if (c->awaits_network) {
		c->awaits_network = false;
		/* As if it began now: the document was written when it began. */
		c->state = TASK_CREATED;
		container_event(c, TASK_START);
	} else if (container_is_up(c)) {
		report_say(c->env->report,
			   "%s has lost its network: %s, whose it was, has started anew; start %s "
			   "again too",
			   c->doc.name, c->plan.network_of, c->doc.name);
	}
}

void container_share_never(struct container *c)
{
	char sentence[SENTENCE_BYTES];

	if (!c->awaits_network)
		return;
	c->awaits_network = false;
	snprintf(sentence, sizeof(sentence), "%s, whose network it shares, does not run",
		 c->plan.network_of);
	container_start_failed(c, sentence);
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
	member_leave(&c->member, !restart);
	container_event(c, restart ? TASK_AGAIN : TASK_FINAL);
}

void container_declare(struct container *c)
{
	struct err e;

	if (!c->attachments || c->held || !container_is_up(c) || c->state == TASK_STARTING)
		return;
	for (size_t i = 0; i < c->asked_count; i++)
		if (c->asked[i] == CONTAINER_ASKED_NETNS)
			return;
	if (container_ask(c, CONTAINER_ASKED_NETNS))
		container_sent(c, boxd_netns(c->env->box, c->doc.name, &e), &e);
}

void container_network(struct container *c, int net_ns_fd)
{
	enum container_request request;

	if (!container_answered(c, &request) || request != CONTAINER_ASKED_NETNS)
		log_warn("container=%s: boxd answers what nobody asked", c->doc.name);
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
