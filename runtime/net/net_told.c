/* net_told.c - see net_told.h */
#include "net/net_told.h"

#include <netinet/in.h>
#include <stdbool.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/time.h"
#include "net/container_socket.h"
#include "net/keeper.h"
#include "net/listener.h"
#include "net/net_neighbour.h"
#include "net/net_network.h"
#include "net/nets.h"
#include "net/traffic.h"
#include "wire/stats.h"
#include "wire/wire.h"

enum {
	SOCKETS_MAX = 64,	/* of one GATE_WANT */
	SOCKETS_WAITING_MAX = 512, /* messages that it has not read: then it gets no more of them */
	SOCKET_US = 61,		   /* one costs netd 5: 16,000 connections a second of a network */
	AHEAD_US = 250000, /* 4096 at once */
	COUNTERS_MAX = 64,
	WARNED_MAX = 8, /* ports of one start */
	MEND_MS = 1000, /* somebody else has the port: whether he has left is asked so often */
};

static void put_address(struct msg *m, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	msg_put_str(m, address_print(a, text));
}

static void put_subnet(struct msg *m, const struct subnet *s)
{
	char text[SUBNET_TEXT_MAX];

	msg_put_str(m, subnet_print(s, text));
}

static void tell_network(struct net_network *w, bool is_first)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_NETWORK);
	msg_put_str(&m, w->name);
	msg_put_u64(&m, w->flags);
	put_subnet(&m, &w->router.subnet4);
	put_address(&m, &w->router.gateway4);
	put_subnet(&m, &w->router.subnet6);
	put_address(&m, &w->router.gateway6);
	msg_put_str(&m, w->policy);
	msg_put_u64(&m, w->router.mtu);
	for (int i = 0; is_first && i < w->router.tun_count; i++)
		msg_put_fd(&m, w->router.tun_fds[i]);
	keeper_tell(&w->keeper, &m);
}

void net_tell_network(struct net_network *w)
{
	tell_network(w, false);
}

void net_tell_resolvers(struct net_network *w)
{
	const struct resolv_conf *r = &w->nets->resolvers.now;
	struct msg m;

	msg_init(&m, WIRE_GATE_RESOLVERS);
	msg_put_u64(&m, r->count);
	for (size_t i = 0; i < r->count; i++)
		put_address(&m, &r->servers[i]);
	keeper_tell(&w->keeper, &m);
}

void net_tell_forbidden(struct net_network *w)
{
	struct msg m;
	uint64_t count = 0;

	for (struct net_network *o = w->nets->first; o; o = o->next)
		if (o != w)
			count += (o->router.subnet4.address.family != 0) +
				 (o->router.subnet6.address.family != 0);
	msg_init(&m, WIRE_GATE_FORBIDDEN);
	msg_put_u64(&m, count);
	for (struct net_network *o = w->nets->first; o; o = o->next) {
		if (o != w && o->router.subnet4.address.family)
			put_subnet(&m, &o->router.subnet4);
		if (o != w && o->router.subnet6.address.family)
			put_subnet(&m, &o->router.subnet6);
	}
	keeper_tell(&w->keeper, &m);
}

static void put_names(struct msg *m, const struct net_member *n)
{
	msg_put_u64(m, n->name_count);
	for (size_t i = 0; i < n->name_count; i++)
		msg_put_str(m, n->names[i]);
	msg_put_u64(m, n->exposed_count);
	for (size_t i = 0; i < n->exposed_count; i++)
		msg_put_u64(m, n->exposed[i]);
}

void net_tell_member(struct net_network *w, const struct net_member *n)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_MEMBER);
	msg_put_str(&m, n->name);
	put_address(&m, &n->plug.address4);
	put_address(&m, &n->plug.address6);
	msg_put_str(&m, n->policy);
	msg_put_u64(&m, n->plug.tun);
	put_names(&m, n);
	keeper_tell(&w->keeper, &m);
}

void net_tell_neighbour(struct net_network *w, const struct net_network *other)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_NEIGHBOUR);
	msg_put_str(&m, other->name);
	put_subnet(&m, &other->router.subnet4);
	put_subnet(&m, &other->router.subnet6);
	keeper_tell(&w->keeper, &m);
}

void net_tell_peer(struct net_network *w, const struct net_network *other,
		   const struct net_member *n)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_PEER);
	msg_put_str(&m, other->name);
	msg_put_str(&m, n->name);
	put_address(&m, &n->plug.address4);
	put_address(&m, &n->plug.address6);
	put_names(&m, n);
	keeper_tell(&w->keeper, &m);
}

void net_tell_peer_leave(struct net_network *w, const struct net_network *other,
			 const struct net_member *n)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_PEER_LEAVE);
	msg_put_str(&m, other->name);
	msg_put_str(&m, n->name);
	keeper_tell(&w->keeper, &m);
}

static void tell_about(struct net_network *w, uint32_t type, const char *whom, int fd)
{
	struct msg m;

	msg_init(&m, type);
	msg_put_str(&m, whom);
	if (fd >= 0)
		msg_put_fd(&m, fd);
	keeper_tell(&w->keeper, &m);
}

void net_tell_leave(struct net_network *w, const char *container)
{
	tell_about(w, WIRE_GATE_LEAVE, container, -1);
}

void net_tell_neighbour_gone(struct net_network *w, const struct net_network *other)
{
	tell_about(w, WIRE_GATE_NEIGHBOUR_GONE, other->name, -1);
}

void net_tell_withdraw(struct net_network *w, const char *key)
{
	tell_about(w, WIRE_GATE_WITHDRAW, key, -1);
}

void net_tell_stats(struct net_network *w, const char *container)
{
	tell_about(w, WIRE_GATE_STATS, container, -1);
}

void net_tell_backend(struct net_network *w, const struct net_port *p, const char *container,
		      uint64_t state)
{
	struct msg m;

	if (p->fd < 0)
		return;
	msg_init(&m, WIRE_GATE_BACKEND);
	msg_put_str(&m, p->key);
	msg_put_str(&m, container);
	msg_put_u64(&m, state);
	keeper_tell(&w->keeper, &m);
}

static void tell_publish(struct net_network *w, const struct net_port *p, int fd)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_PUBLISH);
	msg_put_str(&m, p->key);
	msg_put_u64(&m, (uint64_t)p->protocol);
	msg_put_u64(&m, p->container_port);
	msg_put_u64(&m, p->balance);
	if (fd >= 0)
		msg_put_fd(&m, fd);
	keeper_tell(&w->keeper, &m);
}

void net_tell_balance(struct net_network *w, const struct net_port *p)
{
	if (p->fd >= 0)
		tell_publish(w, p, -1);
}

void net_tell_port(struct net_network *w, const struct net_port *p)
{
	if (p->fd < 0)
		return;
	tell_publish(w, p, p->fd);
	for (const struct net_backend *b = p->backends; b; b = b->next)
		net_tell_backend(w, p, b->container, b->state);
}

void net_say_no_counters(struct net_network *w, const char *container)
{
	struct msg m;

	msg_init(&m, WIRE_NET_COUNTERS);
	msg_put_str(&m, w->name);
	msg_put_str(&m, container);
	nets_say(w->nets, &m);
}

static void on_mend(struct loop_timer *timer)
{
	struct net_network *w = owner_of(timer, struct net_network, mend);

	for (struct net_port *p = w->ports; p; p = p->next) {
		if (p->fd >= 0)
			continue;
		p->fd = listener_open(p->protocol, p->address, &p->host_port, NULL);
		if (p->fd < 0) {
			loop_timer_set(w->nets->loop, timer, MEND_MS);
			continue;
		}
		log_info("network %s: port %s listens again", w->name, p->key);
		net_tell_port(w, p);
	}
}

/* What the last gateway did to a port's socket ends with it. */
static void mend_port(struct net_network *w, struct net_port *p, unsigned *warned)
{
	struct err e;

	/* Without one the timer is at it. */
	if (p->fd < 0 || listener_put_back(p->fd, p->protocol))
		return;
	fd_close(&p->fd);
	p->fd = listener_open(p->protocol, p->address, &p->host_port, &e);
	if (p->fd >= 0 && p->protocol == IPPROTO_UDP)
		return;
	if (++*warned <= WARNED_MAX)
		log_warn("network %s: port %s did not listen any more: %s", w->name, p->key,
			 p->fd < 0 ? e.text : "opened anew");
	if (p->fd >= 0)
		return;
	w->mend.on_time = on_mend;
	loop_timer_set(w->nets->loop, &w->mend, MEND_MS);
}

/* Everything, to one that knows nothing. */
static void on_start(struct keeper *k)
{
	struct net_network *w = owner_of(k, struct net_network, keeper);
	unsigned warned = 0;

	w->serves = false;
	tell_network(w, true);
	net_tell_resolvers(w);
	net_tell_forbidden(w);
	for (struct net_member *m = w->members; m; m = m->next) {
		net_tell_member(w, m);
		/* The one that was asked is gone. */
		if (m->waits_for_counters)
			net_say_no_counters(w, m->name);
		m->waits_for_counters = false;
	}
	net_neighbours_tell(w);
	for (struct net_port *p = w->ports; p; p = p->next) {
		mend_port(w, p, &warned);
		net_tell_port(w, p);
	}
}

static void give_sockets(struct net_network *w, const struct net_member *n, int family, int count)
{
	int fds[MSG_FDS_MAX];
	struct err e;
	struct msg m;

	if (container_sockets_make(n->plug.ns_fd, w->nets->own_ns_fd, family, n->plug.keeps_client,
				   fds, count, &e)) {
		log_warn("network %s: container %s: %s", w->name, n->name, e.text);
		return;
	}
	msg_init(&m, WIRE_GATE_SOCKETS);
	msg_put_str(&m, n->name);
	msg_put_u64(&m, (uint64_t)family);
	for (int i = 0; i < count; i++)
		msg_put_fd(&m, fds[i]);
	keeper_tell(&w->keeper, &m);
	for (int i = 0; i < count; i++)
		fd_close(&fds[i]);
}

/* More than its share are given all the same, and nothing else is heard of it until they are paid
 * for: others have their turn, and who waits inside it for a socket waits a little longer. A word
 * that asks for none costs as much as one: to read it is work too. */
static void charge(struct net_network *w, unsigned sockets)
{
	uint64_t now_us = time_boot_ns() / 1000;

	if (w->due_us + AHEAD_US < now_us)
		w->due_us = now_us - AHEAD_US;
	w->due_us += (uint64_t)sockets * SOCKET_US;
	if (w->due_us > now_us)
		keeper_rest(&w->keeper, (unsigned)((w->due_us - now_us) / 1000 + 1));
}

/* A gateway may be someone else's by now: it gets sockets of its own members, so many at once. */
static int on_want(struct net_network *w, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	uint64_t family = msg_get_u64(m), count = msg_get_u64(m);
	struct net_member *n = net_member_find(w, container);

	if (msg_end(m, e))
		return -1;
	if (!n || (family != AF_INET && family != AF_INET6) ||
	    !(family == AF_INET ? n->plug.address4 : n->plug.address6).family || count == 0) {
		charge(w, 1);
		return 0; /* it has left meanwhile */
	}
	for (uint64_t left = count < SOCKETS_MAX ? count : SOCKETS_MAX; left > 0;) {
		uint64_t now = left < MSG_FDS_MAX ? left : MSG_FDS_MAX;

		if (w->keeper.outbox.count >= SOCKETS_WAITING_MAX) {
			charge(w, 1);
			return 0;
		}
		give_sockets(w, n, (int)family, (int)now);
		charge(w, (unsigned)now);
		left -= now;
	}
	return 0;
}

static void put_device(struct msg *m, struct net_network *w, const struct net_member *n)
{
	union {
		struct stats_device device;
		uint64_t values[STATS_DEVICE_FIELDS];
	} told = { .device = { 0 } };
	struct err e;

	if (traffic_read(&told.device, &w->router, &n->plug, &e) < 0)
		log_warn("network %s: container %s: %s", w->name, n->name, e.text);
	for (int i = 0; i < STATS_DEVICE_FIELDS; i++)
		msg_put_u64(m, told.values[i]);
}

static int on_counters(struct net_network *w, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	struct net_member *n = net_member_find(w, container);
	struct msg out;

	if (!n || !n->waits_for_counters) {
		charge(w, 1); /* it has left meanwhile, or nobody asked */
		return 0;
	}
	msg_init(&out, WIRE_NET_COUNTERS);
	msg_put_str(&out, w->name);
	msg_put_str(&out, container);
	put_device(&out, w, n);
	for (int i = 0; i < COUNTERS_MAX && !m->broken && m->at < m->size_bytes; i++)
		msg_put_u64(&out, msg_get_u64(m));
	if (msg_end(m, e))
		return -1;
	n->waits_for_counters = false;
	nets_say(w->nets, &out);
	return 0;
}

static int on_message(struct keeper *k, struct msg *m, struct err *e)
{
	struct net_network *w = owner_of(k, struct net_network, keeper);

	if (m->type == WIRE_GATE_WANT)
		return on_want(w, m, e);
	if (m->type == WIRE_GATE_COUNTERS)
		return on_counters(w, m, e);
	/* Once: a gateway that is someone else's by now must not fill the log. */
	if (w->serves)
		charge(w, 1);
	else
		log_info("network %s: its gateway serves", w->name);
	w->serves = true;
	return msg_end(m, e);
}

const struct keeper_events net_told_events = { .on_start = on_start, .on_message = on_message };
