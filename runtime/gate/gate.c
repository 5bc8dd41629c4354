#include "gate/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "gate/gate_field.h"
#include "gate/gate_neighbour.h"
#include "gate/sockets.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "wire/docker_dns.h"
#include "wire/wire.h"

enum { SAYINGS_MAX = 256 };	/* x 64 KiB at worst, and only while netd does not read */

struct gate_saying {
	struct gate_saying *next;
	struct msg m;
};

#define EACH_PART(g, call, ...)                                             \
	do {                                                                \
		struct gate_part *part;                                     \
		for (part = (g)->parts; part; part = part->next)            \
			if (part->call)                                     \
				part->call(part, (g), ##__VA_ARGS__);       \
	} while (0)

static char *copy_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

void gate_add_part(struct gate *g, struct gate_part *part)
{
	struct gate_part **end = &g->parts;

	while (*end)
		end = &(*end)->next;
	part->next = NULL;
	*end = part;
}

const struct address *gate_address(const struct gate *g, uint8_t family)
{
	const struct address *a = family == AF_INET ? &g->network.gateway4 : &g->network.gateway6;

	return a->family ? a : NULL;
}

bool gate_is_own(const struct gate *g, const struct address *a)
{
	const struct address *own = gate_address(g, a->family), docker = docker_dns_address();

	return own && (address_equal(own, a) || address_equal(&docker, a));
}

bool gate_is_inside(const struct gate *g, const struct address *a)
{
	const struct gate_network *n = &g->network;

	return (n->subnet4.address.family && subnet_contains(&n->subnet4, a)) ||
	       (n->subnet6.address.family && subnet_contains(&n->subnet6, a));
}

/* ---- to netd */

static void lost_netd(struct gate *g, const struct err *e)
{
	log_err("netd: %s", e->text);
	loop_stop(g->loop);
}

static void watch_control(struct gate *g)
{
	loop_change(&g->control, LOOP_READ | (g->sayings ? LOOP_WRITE : 0u), NULL);
}

static void keep_saying(struct gate *g, const struct msg *m)
{
	struct gate_saying *s, **end = &g->sayings;
	unsigned count = 0;

	for (; *end; end = &(*end)->next)
		count++;
	if (count == SAYINGS_MAX) {
		log_warn("netd reads nothing: a %s is lost", wire_name(m->type));
		return;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->m = *m;
	*end = s;
	watch_control(g);
}

void gate_say(struct gate *g, struct msg *m)
{
	struct err e;

	if (!g->sayings && msg_send(g->control.fd, m, &e) == 0)
		return;
	if (g->sayings || e.number == EAGAIN)
		keep_saying(g, m);
	else
		lost_netd(g, &e);
}

static void say_what_waits(struct gate *g)
{
	struct gate_saying *s;
	struct err e;

	while ((s = g->sayings)) {
		if (msg_send(g->control.fd, &s->m, &e) < 0) {
			if (e.number != EAGAIN)
				lost_netd(g, &e);
			return;
		}
		g->sayings = s->next;
		free(s);
	}
	watch_control(g);
}

/* ---- from netd; each reads its message whole before it changes anything */

static int on_network(struct gate *g, struct msg *m, struct err *e)
{
	struct gate_network n = { 0 };
	const char *name = msg_get_str(m), *policy;
	uint64_t mtu;
	int tun_fds[TUN_DEVICES_MAX];

	n.internal = msg_get_u64(m) & 1;
	if (gate_field_subnet(m, AF_INET, &n.subnet4, e) < 0 ||
	    gate_field_address(m, AF_INET, &n.gateway4, e) < 0 ||
	    gate_field_subnet(m, AF_INET6, &n.subnet6, e) < 0 ||
	    gate_field_address(m, AF_INET6, &n.gateway6, e) < 0)
		return -1;
	policy = msg_get_str(m);
	mtu = msg_get_u64(m);
	if (msg_end(m, e) < 0)
		return -1;
	if (!str_copy(n.name, sizeof(n.name), name))
		return err_set(e, "a network's name has at most %zu bytes", sizeof(n.name) - 1);
	if (mtu > UINT16_MAX)
		return err_set(e, "an MTU of %ju", (uintmax_t)mtu);
	n.mtu = mtu > 0 ? (uint16_t)mtu : GATE_MTU;
	free(g->network.policy_text);
	g->network = n;
	g->network.policy_text = copy_text(policy);
	for (int i = 0; i < TUN_DEVICES_MAX; i++)
		tun_fds[i] = msg_take_fd(m);
	EACH_PART(g, network, tun_fds);
	for (int i = 0; i < TUN_DEVICES_MAX; i++)
		fd_close(&tun_fds[i]);
	if (!g->ready) {
		struct msg ready;

		msg_init(&ready, WIRE_GATE_READY);
		gate_say(g, &ready);
	}
	g->ready = true;
	return 0;
}

static int on_resolvers(struct gate *g, struct msg *m, struct err *e)
{
	struct address list[GATE_RESOLVERS_MAX];
	uint64_t count = msg_get_u64(m), i;

	if (count > GATE_RESOLVERS_MAX)
		return err_set(e, "at most %d resolvers", GATE_RESOLVERS_MAX);
	for (i = 0; i < count; i++)
		if (!address_parse(msg_get_str(m), &list[i]))
			return err_set(e, "a resolver is no address");
	if (msg_end(m, e) < 0)
		return -1;
	memcpy(g->resolvers, list, (size_t)count * sizeof(list[0]));
	g->resolver_count = (unsigned)count;
	EACH_PART(g, resolvers);
	return 0;
}

static int on_forbidden(struct gate *g, struct msg *m, struct err *e)
{
	AUTO_FREE struct subnet *list = NULL;
	uint64_t count = msg_get_u64(m), i;

	if (count > GATE_FORBIDDEN_MAX)
		return err_set(e, "at most %d forbidden subnets", GATE_FORBIDDEN_MAX);
	list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		abort();
	for (i = 0; i < count; i++)
		if (gate_field_subnet(m, 0, &list[i], e) < 0)
			return -1;
	if (msg_end(m, e) < 0)
		return -1;
	free(g->forbidden);
	g->forbidden = list;
	g->forbidden_count = (unsigned)count;
	list = NULL;
	EACH_PART(g, forbidden);
	return 0;
}

static void set_names(struct gate_member *m, const char *const *names, unsigned count)
{
	unsigned i;

	gate_member_clear_names(m);
	if (count == 0)
		return;
	m->names = calloc(count, sizeof(*m->names));
	if (!m->names)
		abort();
	for (i = 0; i < count; i++)
		m->names[i] = copy_text(names[i]);
	m->name_count = count;
}

static int on_member(struct gate *g, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m), *policy, *names[MEMBER_NAMES_MAX];
	struct address address4, address6;
	struct port ports[MEMBER_PORTS_MAX];
	struct gate_member *member;
	unsigned name_count, port_count;
	uint64_t tun_device;

	if (gate_field_address(m, AF_INET, &address4, e) < 0 ||
	    gate_field_address(m, AF_INET6, &address6, e) < 0)
		return -1;
	policy = msg_get_str(m);
	tun_device = msg_get_u64(m);
	if (tun_device >= TUN_DEVICES_MAX)
		return err_set(e, "container %s has TUN device %ju of %d", container,
			       (uintmax_t)tun_device, TUN_DEVICES_MAX);
	if (gate_field_names(m, names, &name_count, e) < 0 ||
	    gate_field_ports(m, ports, &port_count, e) < 0 || msg_end(m, e) < 0)
		return -1;
	member = gate_member_join(&g->members, container, e);
	if (!member || gate_member_set_addresses(&g->members, member, &address4, &address6, e) < 0)
		return -1;
	free(member->policy_text);
	member->policy_text = copy_text(policy);
	member->tun_device = (uint8_t)tun_device;
	set_names(member, names, name_count);
	memcpy(member->ports, ports, port_count * sizeof(*ports));
	member->port_count = port_count;
	EACH_PART(g, member, member);
	return 0;
}

static struct gate_member *find_member(struct gate *g, const char *container, struct err *e)
{
	struct gate_member *m = gate_member_by_name(&g->members, container);

	if (!m)
		err_set(e, "container %s is not in this network", container);
	return m;
}

static struct published *find_published(struct gate *g, const char *key, struct err *e)
{
	struct published *p = publish_by_key(&g->published, key);

	if (!p)
		err_set(e, "port %s is not published here", key);
	return p;
}

/* First it is behind no port any more: its clients that a part moves on do not come back to it. */
static void leave(struct gate *g, struct gate_member *member)
{
	struct published *p = NULL;

	while ((p = publish_next(&g->published, p)))
		if (publish_forget_member(p, member))
			EACH_PART(g, published, p);
	EACH_PART(g, member_leaves, member);
	gate_member_leave(&g->members, member);
}

static int on_leave(struct gate *g, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	struct gate_member *member;

	if (msg_end(m, e) < 0 || !(member = find_member(g, container, e)))
		return -1;
	leave(g, member);
	return 0;
}

static int on_neighbour(struct gate *g, struct msg *m, struct err *e)
{
	struct gate_neighbour n;

	if (gate_neighbour_read(&n, m, e) < 0)
		return -1;
	EACH_PART(g, neighbour, &n);
	return 0;
}

static int on_neighbour_gone(struct gate *g, struct msg *m, struct err *e)
{
	const char *network = msg_get_str(m);

	if (msg_end(m, e) < 0)
		return -1;
	EACH_PART(g, neighbour_goes, network);
	return 0;
}

static int on_peer(struct gate *g, struct msg *m, struct err *e)
{
	struct gate_peer p;

	if (gate_peer_read(&p, m, e) < 0)
		return -1;
	EACH_PART(g, peer, &p);
	return 0;
}

static int on_peer_leave(struct gate *g, struct msg *m, struct err *e)
{
	const char *network = msg_get_str(m), *container = msg_get_str(m);

	if (msg_end(m, e) < 0)
		return -1;
	EACH_PART(g, peer_leaves, network, container);
	return 0;
}

static int on_sockets(struct gate *g, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	uint64_t family = msg_get_u64(m);
	struct gate_member *member;
	int fd;

	if (msg_end(m, e) < 0 || !(member = find_member(g, container, e)))
		return -1;
	if (family != AF_INET && family != AF_INET6)
		return err_set(e, "sockets of family %ju", (uintmax_t)family);
	while ((fd = msg_take_fd(m)) >= 0)
		sockets_add(member, (uint8_t)family, &fd);
	return 0;
}

static void withdraw(struct gate *g, struct published *p)
{
	EACH_PART(g, withdrawn, p);
	publish_remove(&g->published, p);
}

static int on_publish(struct gate *g, struct msg *m, struct err *e)
{
	const char *key = msg_get_str(m);
	uint64_t protocol = msg_get_u64(m), port = msg_get_u64(m), mode = msg_get_u64(m);
	AUTO_FD int fd = msg_take_fd(m);
	struct published *p;

	if (msg_end(m, e) < 0)
		return -1;
	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || port < 1 ||
	    port > UINT16_MAX || mode >= BALANCE_MODES)
		return err_set(e, "port %s: protocol %ju, port %ju, balance %ju", key,
			       (uintmax_t)protocol, (uintmax_t)port, (uintmax_t)mode);
	p = publish_by_key(&g->published, key);
	if (p && fd < 0) {
		p->balance.mode = (enum balance_mode)mode;
		return 0;
	}
	if (fd < 0 || fd_set_nonblock(fd, e) < 0)
		return fd < 0 ? err_set(e, "port %s: no socket came with it", key) : -1;
	/* A new socket is a new port: what came by the old one ends. */
	if (p)
		EACH_PART(g, withdrawn, p);
	p = publish_add(&g->published, key, (uint8_t)protocol, (uint16_t)port,
			(enum balance_mode)mode, &fd, e);
	if (!p)
		return -1;
	EACH_PART(g, published, p);
	return 0;
}

static int on_backend(struct gate *g, struct msg *m, struct err *e)
{
	const char *key = msg_get_str(m), *container = msg_get_str(m);
	uint64_t state = msg_get_u64(m);
	struct gate_member *member;
	struct published *p;

	if (msg_end(m, e) < 0 || !(p = find_published(g, key, e)) ||
	    !(member = find_member(g, container, e)))
		return -1;
	if (state >= BALANCE_STATES)
		return err_set(e, "port %s: %s is in state %ju", key, container, (uintmax_t)state);
	if (publish_set_backend(p, member, (enum balance_state)state, e) < 0)
		return -1;
	EACH_PART(g, published, p);
	return 0;
}

static int on_withdraw(struct gate *g, struct msg *m, struct err *e)
{
	const char *key = msg_get_str(m);
	struct published *p;

	if (msg_end(m, e) < 0 || !(p = find_published(g, key, e)))
		return -1;
	withdraw(g, p);
	return 0;
}

static int on_stats(struct gate *g, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	struct gate_member *member;
	struct msg answer;
	const uint64_t *fields;
	int i;

	if (msg_end(m, e) < 0 || !(member = find_member(g, container, e)))
		return -1;
	EACH_PART(g, stats, member);
	fields = (const uint64_t *)&member->stats;
	msg_init(&answer, WIRE_GATE_COUNTERS);
	msg_put_str(&answer, container);
	for (i = 0; i < STATS_FIELDS; i++)
		msg_put_u64(&answer, fields[i]);
	gate_say(g, &answer);
	return 0;
}

typedef int request_fn(struct gate *g, struct msg *m, struct err *e);

static request_fn *const requests[WIRE_TYPES] = {
	[WIRE_GATE_NETWORK] = on_network,     [WIRE_GATE_RESOLVERS] = on_resolvers,
	[WIRE_GATE_FORBIDDEN] = on_forbidden, [WIRE_GATE_MEMBER] = on_member,
	[WIRE_GATE_LEAVE] = on_leave,	      [WIRE_GATE_SOCKETS] = on_sockets,
	[WIRE_GATE_PUBLISH] = on_publish,     [WIRE_GATE_BACKEND] = on_backend,
	[WIRE_GATE_WITHDRAW] = on_withdraw,   [WIRE_GATE_STATS] = on_stats,
	[WIRE_GATE_NEIGHBOUR] = on_neighbour, [WIRE_GATE_NEIGHBOUR_GONE] = on_neighbour_gone,
	[WIRE_GATE_PEER] = on_peer,	      [WIRE_GATE_PEER_LEAVE] = on_peer_leave,
};

int gate_message(struct gate *g, struct msg *m, struct err *e)
{
	if (!wire_allowed(m->type, WIRE_NETD, WIRE_GATED, m->fd_count))
		return err_set(e, "message %u of netd with %d fds", m->type, m->fd_count);
	if (!requests[m->type])
		return err_set(e, "%s is not for a gateway", wire_name(m->type));
	if (requests[m->type](g, m, e) == 0)
		return 0;
	if (m->broken)
		return err_add(e, "%s", wire_name(m->type));
	log_warn("%s: %s", wire_name(m->type), e->text);
	return 0;
}

static void on_control(struct loop_source *source, unsigned events)
{
	struct gate *g = owner_of(source, struct gate, control);
	struct msg m;
	struct err e;
	int got;

	if (events & LOOP_WRITE)
		say_what_waits(g);
	if (!(events & (LOOP_READ | LOOP_HANGUP)))
		return;
	got = msg_receive(source->fd, &m, &e);
	if (got < 0 && e.number == EAGAIN)
		return;
	if (got == 0)
		err_set(&e, "the connection has ended");
	else if (got > 0)
		got = gate_message(g, &m, &e) < 0 ? -1 : 1;
	if (got <= 0)
		lost_netd(g, &e);
	msg_finish(&m);
}

struct gate *gate_create(struct loop *loop, int control_fd, struct err *e)
{
	struct gate *g = calloc(1, sizeof(*g));
	uint32_t seeds[2];

	if (!g || getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		abort();
	g->loop = loop;
	g->members.seed = seeds[0];
	g->published.seed = seeds[1];
	g->network.policy_text = copy_text("");
	g->control.fd = control_fd;
	g->control.on_event = on_control;
	if (fd_set_nonblock(control_fd, e) == 0 &&
	    loop_add(loop, &g->control, LOOP_READ, e) == 0)
		return g;
	free(g->network.policy_text);
	free(g);
	return NULL;
}

void gate_destroy(struct gate *g)
{
	struct published *p;
	struct gate_member *m;
	struct gate_saying *s;

	if (!g)
		return;
	loop_remove(&g->control);
	while ((p = publish_next(&g->published, NULL)))
		withdraw(g, p);
	while ((m = gate_member_next(&g->members, NULL)))
		leave(g, m);
	while ((s = g->sayings)) {
		g->sayings = s->next;
		free(s);
	}
	free(g->forbidden);
	free(g->network.policy_text);
	free(g);
}
