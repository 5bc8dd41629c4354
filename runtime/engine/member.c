/* member.c - see member.h. */
#include "engine/member.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/former_port.h"
#include "engine/netd.h"
#include "engine/network.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

enum {
	PATIENCE_MS = 10000,	/* netd is started again within a second */
	KEY_BYTES = 192,
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

/* "web tcp 127.0.0.1:8080-8090 80": its words in the compose file, whatever comes of them. */
static struct netd_port port_of(const struct member *m, const struct member_port *p,
				char key[KEY_BYTES])
{
	const struct compose_service *s = m->attachments->service;

	snprintf(key, KEY_BYTES, "%s %s %s:%u-%u %u", s->name,
		 p->map->protocol == IPPROTO_UDP ? "udp" : "tcp", p->map->host_address, p->first,
		 p->last, p->container_port);
	return (struct netd_port){
		.network = attachments_default(m->attachments)->network->doc.name,
		.key = key,
		.container = name_of(m),
		.host_address = p->map->host_address,
		.protocol = p->map->protocol,
		.host_port = p->port,
		.container_port = p->container_port,
		.least_connections = s->replicas.least_connections,
		.state = m->serves_as,
	};
}

static struct netd_port port_of_former(const struct member *m, const struct former_port *p)
{
	return (struct netd_port){
		.network = attachments_default(m->attachments)->network->doc.name,
		.key = p->key,
		.container = name_of(m),
		.host_address = p->map.host_address,
		.protocol = p->map.protocol,
		.host_port = p->map.host_first,
		.container_port = p->map.container_first,
		.least_connections = m->attachments->service->replicas.least_connections,
		.state = m->serves_as,
	};
}

static void set_backend(struct member *m, const struct netd_port *port, enum netd_backend state)
{
	struct err e;

	if (netd_set_backend(m->net, port, state, &e) < 0)
		log_warn("container=%s: %s", name_of(m), e.text);
}

static void hold_former(struct member *m)
{
	m->ports->former_holders += !m->holds_former;
	m->holds_former = true;
	for (struct former_port *p = m->ports->former; p; p = p->next) {
		struct netd_port port = port_of_former(m, p);
		struct err e;

		/* Where it is open still, that changes nothing. */
		if (netd_publish(m->net, &port, NULL, NULL, &e) < 0)
			log_warn("container=%s: %s", name_of(m), e.text);
		set_backend(m, &port, m->serves_as);
		p->open = true;
	}
}

static void withdraw_former(struct member *m)
{
	for (struct former_port *p = m->ports->former; p; p = p->next) {
		struct netd_port port = port_of_former(m, p);
		struct err e;

		if (!p->open)
			continue;
		log_info("port \"%s\" of network %s is not in the compose file any more: closed",
			 p->key, port.network);
		if (netd_is_there(m->net) && netd_withdraw(m->net, &port, &e) < 0)
			log_warn("close port %s: %s", p->key, e.text);
	}
	m->ports->former = NULL;
}

static void refuse_port(struct member *m, const char *name, const char *why)
{
	char sentence[SENTENCE_BYTES];
	bool known = m->ports->refused;

	if (!m->again) {
		fail(m, "port", name, why);
		return;
	}
	snprintf(sentence, sizeof(sentence), "port %s: %s", name, why);
	go_out(m);
	hold_former(m);
	m->ports->refused = true;
	if (!known)
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

/* Another container of the service may have got one meanwhile. The port that it had may be somebody
 * else's now; of a range the next one may be free. */
static bool try_next(const struct member *m, struct member_port *p)
{
	if (p->holders && p->port != m->asked_port)
		return true;
	if (p->first == 0) {
		bool had_one = p->port != 0;

		p->port = 0;
		return had_one;
	}
	if (p->port >= p->last)
		return false;
	p->port++;
	return true;
}

static void on_published(void *ctx, const struct netd_answer *a)
{
	struct member *m = ctx;
	struct member_port *p;
	char key[KEY_BYTES];
	struct netd_port port;
	size_t number;

	if (!is_due(m))
		return;
	number = m->step - m->attachments->count;
	p = &m->ports->items[number];
	if (a->failure && !try_next(m, p)) {
		snprintf(key, sizeof(key), "%u/%s", p->first ? p->first : p->container_port,
			 p->map->protocol == IPPROTO_UDP ? "udp" : "tcp");
		p->port = p->first;
		refuse_port(m, key, a->failure);
		return;
	}
	if (!a->failure) {
		p->port = (uint16_t)a->port;
		if (number == m->held) {
			m->held++;
			p->holders++;
		}
		port = port_of(m, p, key);
		/* A key that was there has no backend since the last end. */
		set_backend(m, &port, m->serves_as);
		m->step++;
	}
	go_on(m);
}

static int ask(struct member *m, struct err *e)
{
	const struct attachments *all = m->attachments;
	char key[KEY_BYTES];
	struct netd_port port;

	if (m->step < all->count) {
		struct network *network = all->items[m->step].network;

		if (!network->declared) {
			network->declared = true;
			return netd_create_network(m->net, network, on_created, m, e);
		}
		m->attached = true;
		return netd_attach(m->net, all, (unsigned)m->step, m->net_ns_fd, on_attached, m, e);
	}
	port = port_of(m, &m->ports->items[m->step - all->count], key);
	m->asked_port = port.host_port;
	return netd_publish(m->net, &port, on_published, m, e);
}

static void go_on(struct member *m)
{
	struct err e;

	if (m->step == m->attachments->count + m->ports->count) {
		loop_timer_off(&m->patience);
		fd_close(&m->net_ns_fd);
		m->state = MEMBER_IN;
		m->ports->refused = false;
		withdraw_former(m);
		if (m->again) {
			m->settled(m);
		} else {
			m->again = true;
			m->joined(m);
		}
		return;
	}
	if (ask(m, &e) == 0)
		m->asked = true;
	else if (e.number == EMSGSIZE)
		fail(m, "container", name_of(m), e.text);
	else
		m->state = MEMBER_WAITING;	/* for the next connection: this one ends */
}

static void begin(struct member *m)
{
	m->step = 0;
	m->state = netd_is_ready(m->net) ? MEMBER_JOINING : MEMBER_WAITING;
	if (!m->patience.loop)
		loop_timer_set(m->loop, &m->patience, PATIENCE_MS);
	if (m->state == MEMBER_JOINING)
		go_on(m);
}

static void on_patience(struct loop_timer *timer)
{
	struct member *m = owner_of(timer, struct member, patience);

	fail(m, "network", attachments_default(m->attachments)->network->doc.name,
	     m->state == MEMBER_WAITING ?
		     "netd is not there: svd starts it again, and the log says why it ended" :
		     "netd did not attach or publish it in time: `svctl log netd` says why, "
		     "`svctl restart netd` keeps every container");
}

static void take_fd_of(struct member *m, int net_ns_fd)
{
	go_out(m);
	m->lost = false;
	m->net_ns_fd = net_ns_fd < 0 ? -1 : fcntl(net_ns_fd, F_DUPFD_CLOEXEC, 3);
}

void member_join(struct member *m, int net_ns_fd)
{
	take_fd_of(m, net_ns_fd);
	m->again = false;
	if (m->net_ns_fd < 0)
		fail(m, "container", name_of(m), "boxd gave no network namespace");
	else
		begin(m);
}

void member_rejoin(struct member *m, int net_ns_fd)
{
	take_fd_of(m, net_ns_fd);
	m->again = true;
	if (m->net_ns_fd >= 0)
		begin(m);
	else
		fail(m, "container", name_of(m), "boxd gave no network namespace");
}

static void set_backends(struct member *m, enum netd_backend state)
{
	for (size_t i = 0; i < m->held && netd_is_there(m->net); i++) {
		char key[KEY_BYTES];
		struct netd_port port = port_of(m, &m->ports->items[i], key);

		set_backend(m, &port, state);
	}
	if (!m->holds_former || !netd_is_there(m->net))
		return;
	for (struct former_port *p = m->ports->former; p; p = p->next) {
		struct netd_port port = port_of_former(m, p);

		if (p->open)
			set_backend(m, &port, state);
	}
}

void member_serve_as(struct member *m, enum netd_backend state)
{
	bool changes = m->serves_as != state;

	m->serves_as = state;
	/* While it joins: a port that it holds already may have been told the old one. */
	if (m->attachments && changes && (m->state != MEMBER_OUT || m->holds_former))
		set_backends(m, state);
}

/* One that is there of before, and behind which this container alone can be. */
static bool is_last_claim(const struct member *m, const struct member_port *p)
{
	return p->claimed && m->attachments->service->replicas.count == 1;
}

static void let_go(struct member *m, bool withdraw)
{
	for (size_t i = 0; i < m->ports->count; i++) {
		struct member_port *p = &m->ports->items[i];
		bool held = i < m->held;
		char key[KEY_BYTES];
		struct netd_port port = port_of(m, p, key);
		struct err e;

		p->holders -= held;
		if (!withdraw || p->holders || (!held && !is_last_claim(m, p)))
			continue;
		p->claimed = false;
		if (netd_is_there(m->net) && netd_withdraw(m->net, &port, &e) < 0)
			log_warn("container=%s: %s", name_of(m), e.text);
	}
	m->held = 0;
	m->ports->former_holders -= m->holds_former;
	m->holds_former = false;
	if (withdraw && !m->ports->former_holders)
		withdraw_former(m);
}

/* Is everybody behind the ports this one? Then there is no backend to take back. */
static bool withdraws(const struct member *m, enum member_leave how)
{
	return how == MEMBER_ENDS && m->held && m->ports->items[0].holders == 1;
}

void member_leave(struct member *m, enum member_leave how)
{
	struct err e;

	if (!m->attachments)
		return;
	go_out(m);
	m->again = m->lost = false;
	if (m->attached && !withdraws(m, how))
		set_backends(m, NETD_GONE);
	if (how != MEMBER_COMES_BACK)
		let_go(m, how == MEMBER_ENDS);
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

bool member_claim_port(struct member *m, const char *network, const char *key)
{
	for (size_t i = 0; i < m->ports->count; i++) {
		char own[KEY_BYTES];
		struct netd_port port = port_of(m, &m->ports->items[i], own);

		if (str_equal(own, key) && str_equal(port.network, network))
			return m->ports->items[i].claimed = true;
	}
	return false;
}

struct former_port *member_remember_port(struct member *m, struct former_port *p)
{
	struct former_port **at = &m->ports->former;

	while (*at && !str_equal((*at)->key, p->key))
		at = &(*at)->next;
	if (!*at)
		*at = p;
	return *at;
}

bool member_collides(const struct member *m, const struct port_map *map)
{
	for (size_t i = 0; i < m->ports->count; i++)
		if (port_map_collides(m->ports->items[i].map, map))
			return true;
	return false;
}

bool member_is_unsettled(const struct member *m)
{
	return m->attachments && m->ports->count && m->state != MEMBER_IN && !m->lost;
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
	/* Its list says which ones are there after all. */
	for (struct former_port *p = m->ports->former; p; p = p->next)
		p->open = false;
	if (m->state == MEMBER_JOINING)
		m->state = MEMBER_WAITING;
}

void member_init(struct member *m, struct loop *loop, struct netd *net,
		 const struct attachments *attachments, struct member_ports *ports)
{
	m->loop = loop;
	m->net = net;
	m->attachments = attachments;
	m->net_ns_fd = -1;
	m->patience.on_time = on_patience;
	m->ports = ports;
	m->serves_as = NETD_SERVES;
}

void member_ports_init(struct member_ports *ports, const struct compose_service *service,
		       struct arena *arena)
{
	const struct compose_service_network *n = &service->network;
	size_t count = 0;

	for (size_t i = 0; i < n->port_count; i++)
		count += port_map_count(&n->ports[i]);
	*ports = (struct member_ports){ .items = arena_array(arena, count + 1,
							     sizeof(*ports->items)) };
	for (size_t i = 0; i < n->port_count; i++) {
		for (unsigned k = 0; k < port_map_count(&n->ports[i]); k++) {
			struct port_map_row row = port_map_row(&n->ports[i], k);

			ports->items[ports->count++] = (struct member_port){
				.map = &n->ports[i],
				.first = row.host_first,
				.last = row.host_last,
				.container_port = row.container_port,
				.port = row.host_first,
			};
		}
	}
}

void member_finish(struct member *m)
{
	if (!m->attachments)
		return;
	loop_timer_off(&m->patience);
	fd_close(&m->net_ns_fd);
}
