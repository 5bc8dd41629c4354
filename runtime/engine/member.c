/* member.c - see member.h. */
#include "engine/member.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>

#include "engine/attachment.h"
#include "engine/netd.h"
#include "engine/network.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "oci/port_map.h"

enum {
	PATIENCE_MS = 10000,	/* netd is started again within a second */
	RETRY_MS = 3000,	/* nobody says when a port gets free */
	WAY_MS = 50,		/* a gateway closes its copy of a socket when it comes to it */
	WAY_TRIES = 20,
	WORD_BYTES = 16,
	SENTENCE_BYTES = 512,
};

static const char *name_of(const struct member *m)
{
	return m->attachments->name;
}

static void forget_request(struct member *m)
{
	m->stale += m->asked;
	m->asked = false;
}

static void go_out(struct member *m)
{
	forget_request(m);
	loop_timer_off(&m->patience);
	loop_timer_off(&m->retry);
	fd_close(&m->net_ns_fd);
	m->state = MEMBER_OUT;
}

static void fail(struct member *m, const char *what, const char *name, const char *why)
{
	char sentence[SENTENCE_BYTES];
	bool again = m->again;

	snprintf(sentence, sizeof(sentence), "%s %s: %s", what, name, why);
	go_out(m);
	if (!again) {
		m->failed(m, sentence);
		return;
	}
	/* It runs: to end it for that would make things worse. */
	log_err("container=%s has lost its network: %s", name_of(m), sentence);
	m->lost = true;
	m->settled(m);
}

/* It runs, and stays as it is. NULL: the port that is known to be missing. */
static void wait_for_port(struct member *m, struct member_port *p)
{
	forget_request(m);
	loop_timer_off(&m->patience);
	m->state = MEMBER_WAITING;
	member_ports_refused(m, p);
	loop_timer_set(m->loop, &m->retry, RETRY_MS);
}

static void refuse_port(struct member *m, struct member_port *p, const char *why)
{
	char name[WORD_BYTES], sentence[SENTENCE_BYTES];

	snprintf(name, sizeof(name), "%u/%s", p->first ? p->first : p->container_port,
		 p->map->protocol == IPPROTO_UDP ? "udp" : "tcp");
	if (!m->again) {
		fail(m, "port", name, why);
		return;
	}
	wait_for_port(m, p);
	if (p == m->ports->missing)
		return;
	m->ports->missing = p;
	snprintf(sentence, sizeof(sentence), "port %s: %s", name, why);
	m->refused(m, sentence);
}

static void go_on(struct member *m);

/* Is this the answer to what was asked last? */
static bool is_due(struct member *m)
{
	if (m->stale) {
		m->stale--;
		return false;
	}
	m->asked = false;
	return m->state == MEMBER_JOINING;
}

static void on_created(void *ctx, const struct netd_answer *a)
{
	struct member *m = ctx;
	struct network *network;

	if (!is_due(m))
		return;
	network = m->attachments->items[m->step].network;
	if (!a->failure) {
		go_on(m);
		return;
	}
	network->declared = false;
	fail(m, "network", network->doc.name, a->failure);
}

static void on_attached(void *ctx, const struct netd_answer *a)
{
	struct member *m = ctx;

	if (!is_due(m))
		return;
	if (a->failure) {
		fail(m, "network", m->attachments->items[m->step].network->doc.name, a->failure);
		return;
	}
	m->step++;
	go_on(m);
}

static void on_published(void *ctx, const struct netd_answer *a)
{
	struct member *m = ctx;
	struct member_port *p = m->asked_for;

	if (!is_due(m))
		return;
	if (a->failure && !member_ports_try_other(m, p)) {
		if (member_ports_may_get_free(m, p) && m->way_tries++ < WAY_TRIES)
			loop_timer_set(m->loop, &m->retry, WAY_MS);
		else
			refuse_port(m, p, a->failure);
		return;
	}
	/* Or it may have been withdrawn since: then it is asked for again. */
	if (!a->failure && m->asked_round == m->ports->round)
		member_ports_take(m, p, (uint16_t)a->port);
	go_on(m);
}

static int ask_for_port(struct member *m, struct member_port *p, struct err *e)
{
	char key[PORT_KEY_BYTES];
	struct netd_port words = member_ports_words(m, p, key);

	m->asked_for = p;
	m->asked_port = p->port;
	m->asked_round = m->ports->round;
	return netd_publish(m->net, &words, on_published, m, e);
}

static int ask_for_network(struct member *m, struct err *e)
{
	struct network *network = m->attachments->items[m->step].network;

	if (!network->declared) {
		network->declared = true;
		return netd_create_network(m->net, network, on_created, m, e);
	}
	m->attached = true;
	return netd_attach(m->net, m->attachments, (unsigned)m->step, m->net_ns_fd, on_attached, m,
			   e);
}

static void go_in(struct member *m)
{
	bool again = m->again, was_missing = m->ports->missing;

	loop_timer_off(&m->patience);
	fd_close(&m->net_ns_fd);
	m->state = MEMBER_IN;
	m->again = true;
	member_ports_complete(m);
	if (was_missing)
		m->found(m);
	if (again)
		m->settled(m);
	else
		m->joined(m);
}

static void go_on(struct member *m)
{
	bool attaches = m->step < m->attachments->count;
	struct member_port *p = attaches ? NULL : member_ports_next(m);
	struct err e;
	int status;

	if (!attaches && !p) {
		go_in(m);
		return;
	}
	if (p && !member_ports_make_way(m, p)) {
		wait_for_port(m, NULL);
		return;
	}
	status = p ? ask_for_port(m, p, &e) : ask_for_network(m, &e);
	if (status == 0)
		m->asked = true;
	else if (e.number == EMSGSIZE)
		fail(m, "container", name_of(m), e.text);
	else
		m->state = MEMBER_WAITING;	/* for the next connection: this one ends */
}

static void join_from(struct member *m, size_t step)
{
	m->step = step;
	m->way_tries = 0;
	m->state = MEMBER_JOINING;
	member_ports_begin(m, step == 0);
	if (!m->patience.loop)
		loop_timer_set(m->loop, &m->patience, PATIENCE_MS);
	go_on(m);
}

static void begin(struct member *m)
{
	loop_timer_off(&m->retry);
	if (netd_is_ready(m->net)) {
		join_from(m, 0);
		return;
	}
	m->state = MEMBER_WAITING;
	if (!m->patience.loop)
		loop_timer_set(m->loop, &m->patience, PATIENCE_MS);
}

/* netd has it still, but for a port; of a netd that comes back member_netd_is_there tells. */
static void on_retry(struct loop_timer *timer)
{
	struct member *m = owner_of(timer, struct member, retry);

	if (!netd_is_ready(m->net))
		return;
	if (m->state == MEMBER_JOINING)
		go_on(m);
	else if (m->ports->barred)
		wait_for_port(m, NULL);
	else
		join_from(m, m->attachments->count);
}

static void on_patience(struct loop_timer *timer)
{
	struct member *m = owner_of(timer, struct member, patience);

	fail(m, "network", attachments_network(m->attachments),
	     m->state == MEMBER_WAITING ?
		     "netd is not there: svd starts it again, and the log says why it ended" :
		     "netd did not attach or publish it in time: `svctl log netd` says why, "
		     "`svctl restart netd` keeps every container");
}

static void enter(struct member *m, int net_ns_fd, bool again)
{
	go_out(m);
	m->lost = false;
	m->again = again;
	m->net_ns_fd = net_ns_fd < 0 ? -1 : fcntl(net_ns_fd, F_DUPFD_CLOEXEC, 3);
	if (m->net_ns_fd < 0)
		fail(m, "container", name_of(m), "boxd gave no network namespace");
	else
		begin(m);
}

void member_join(struct member *m, int net_ns_fd)
{
	enter(m, net_ns_fd, false);
}

void member_rejoin(struct member *m, int net_ns_fd)
{
	enter(m, net_ns_fd, true);
}

void member_serve_as(struct member *m, enum netd_backend state)
{
	bool changes = m->serves_as != state;

	m->serves_as = state;
	/* While it joins: a port that it holds already may have been told the old one. */
	if (m->attachments && changes && (m->state != MEMBER_OUT || m->holds_former))
		member_ports_set_backends(m, state);
}

void member_leave(struct member *m, enum member_leave how)
{
	struct err e;

	if (!m->attachments)
		return;
	go_out(m);
	m->again = m->lost = false;
	/* Is nobody else behind the ports, there is no backend to take back. */
	if (m->attached && (how != MEMBER_ENDS || !member_ports_is_last(m)))
		member_ports_set_backends(m, NETD_GONE);
	if (how != MEMBER_COMES_BACK)
		member_ports_leave(m, how == MEMBER_ENDS);
	for (size_t i = 0; m->attached && i < m->attachments->count; i++)
		if (netd_is_there(m->net) &&
		    netd_detach(m->net, m->attachments->items[i].network->doc.name, name_of(m),
				&e) < 0)
			log_warn("container=%s: %s", name_of(m), e.text);
	m->attached = false;
}

void member_claim(struct member *m)
{
	m->attached = true;
}

bool member_is_unsettled(const struct member *m)
{
	return m->attachments && m->ports->count && m->state != MEMBER_IN && !m->lost;
}

bool member_is_counted(const struct member *m)
{
	return m->state == MEMBER_IN || (m->state == MEMBER_WAITING && m->retry.loop);
}

void member_netd_is_there(struct member *m)
{
	if (m->state == MEMBER_WAITING)
		begin(m);
}

void member_netd_is_gone(struct member *m)
{
	m->stale = 0;
	m->asked = false;
	loop_timer_off(&m->retry);
	member_ports_netd_is_gone(m->ports);
	if (m->state == MEMBER_JOINING)
		m->state = MEMBER_WAITING;
}

void member_init(struct member *m, struct loop *loop, struct netd *net,
		 const struct attachments *attachments, struct member_ports *ports,
		 struct arena *arena)
{
	m->loop = loop;
	m->net = net;
	m->attachments = attachments;
	m->net_ns_fd = -1;
	m->patience.on_time = on_patience;
	m->retry.on_time = on_retry;
	m->ports = ports;
	m->parts = arena_array(arena, ports->count + 1, sizeof(*m->parts));
	m->serves_as = NETD_SERVES;
}

void member_finish(struct member *m)
{
	if (!m->attachments)
		return;
	loop_timer_off(&m->patience);
	loop_timer_off(&m->retry);
	fd_close(&m->net_ns_fd);
}
