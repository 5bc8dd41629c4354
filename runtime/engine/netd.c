/* netd.c - see netd.h. */
#include "engine/netd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/network.h"
#include "engine/link.h"
#include "engine/plan.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "wire/member_limits.h"
#include "wire/stats.h"
#include "wire/wire.h"

_Static_assert((int)PLAN_SLOTS_MAX <= (int)MACHINE_CONTAINERS_MAX &&
		       (int)NETWORKS_MAX <= (int)MACHINE_NETWORKS_MAX &&
		       (int)ATTACHMENTS_MAX <= (int)CONTAINER_NETWORKS_MAX,
	       "what gateways have room for");

enum {
	PENDING_MAX = 4096,	/* x 16 bytes; a container has at most one request under way, and at
				   its end one for each of its ports */
	FLAG_INTERNAL = 1,	/* NET_CREATE */
	FLAG_DEFAULT = 1,	/* NET_ATTACH */
	FLAG_ASKED = 2,
};

struct pending {
	netd_done_fn *done;
	void *ctx;
};

struct netd {
	struct link link;
	const struct netd_events *events;
	void *ctx;
	struct pending pending[PENDING_MAX];	/* a ring */
	size_t first, count;
	bool is_ready;
};

static void on_connected(struct link *link)
{
	struct netd *net = owner_of(link, struct netd, link);

	net->events->connected(net->ctx);
}

static void on_lost(struct link *link)
{
	struct netd *net = owner_of(link, struct netd, link);

	net->first = net->count = 0;
	net->is_ready = false;
	net->events->lost(net->ctx);
}

static int answer(struct netd *net, const char *key, const struct netd_answer *a, struct err *e)
{
	struct pending p;

	if (!net->count)
		return err_set(e, "an answer that nobody asked for");
	p = net->pending[net->first];
	net->first = (net->first + 1) % PENDING_MAX;
	net->count--;
	if (p.done)
		p.done(p.ctx, a);
	else if (a->failure)
		log_warn("netd says of %s: %s", key, a->failure);
	if (!net->count)
		net->events->idle(net->ctx);
	return 0;
}

/* A gateway of another version may say more of them: those are not ours to know. */
static int on_counters(struct netd *net, const char *network, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	union {
		struct stats_told told;
		uint64_t values[STATS_TOLD_FIELDS];
	} all = { .values = { 0 } };
	size_t count = 0;

	while (!m->broken && m->at < m->size_bytes) {
		uint64_t value = msg_get_u64(m);

		if (count < STATS_TOLD_FIELDS)
			all.values[count++] = value;
	}
	if (msg_end(m, e) < 0)
		return -1;
	if (net->events->counters)
		net->events->counters(net->ctx, network, container, count ? &all.told : NULL);
	return 0;
}

static int on_network(struct netd *net, const char *name, struct msg *m, struct err *e)
{
	struct netd_network n = { .name = name };

	msg_get_u64(m);
	n.subnet4 = msg_get_str(m);
	n.gateway4 = msg_get_str(m);
	n.subnet6 = msg_get_str(m);
	n.gateway6 = msg_get_str(m);
	n.mtu = msg_get_u64(m);
	if (msg_end(m, e) < 0)
		return -1;
	net->events->network(net->ctx, &n);
	return 0;
}

static int on_member(struct netd *net, const char *network, struct msg *m, struct err *e)
{
	struct netd_member member = { .network = network };

	member.container = msg_get_str(m);
	member.address4 = msg_get_str(m);
	member.address6 = msg_get_str(m);
	if (msg_end(m, e) < 0)
		return -1;
	net->events->member(net->ctx, &member);
	return 0;
}

static int on_port(struct netd *net, const char *network, struct msg *m, struct err *e)
{
	const char *key = msg_get_str(m);
	uint64_t host_port = msg_get_u64(m);

	if (msg_end(m, e) < 0)
		return -1;
	net->events->port(net->ctx, network, key, host_port);
	return 0;
}

static int on_message(struct link *link, struct msg *m, struct err *e)
{
	struct netd *net = owner_of(link, struct netd, link);
	struct netd_answer a;
	AUTO_FD int fd = -1;
	const char *key;

	if (!wire_allowed(m->type, WIRE_NETD, WIRE_ENGINED, m->fd_count))
		return err_set(e, "%s is no message from netd", wire_name(m->type));
	fd = msg_take_fd(m);
	a = (struct netd_answer){ .fd = fd };
	key = msg_get_str(m);
	switch (m->type) {
	case WIRE_NET_NETWORK:
		return on_network(net, key, m, e);
	case WIRE_NET_MEMBER:
		return on_member(net, key, m, e);
	case WIRE_NET_PORT:
		return on_port(net, key, m, e);
	case WIRE_NET_DONE:
		if (m->at < m->size_bytes)
			a.port = msg_get_u64(m);
		return msg_end(m, e) < 0 ? -1 : answer(net, key, &a, e);
	case WIRE_NET_FAILED:
		a.failure = msg_get_str(m);
		return msg_end(m, e) < 0 ? -1 : answer(net, key, &a, e);
	case WIRE_NET_COUNTERS:
		return on_counters(net, key, m, e);
	default: /* a number from outside, not a value of our enum */
		break;
	}
	return err_set(e, "%s is not for the engine", wire_name(m->type));
}

struct netd *netd_create(struct loop *loop, const char *socket_path,
			 const struct netd_events *events, void *ctx)
{
	struct netd *net = calloc(1, sizeof(*net));

	if (!net)
		abort();
	net->link.name = "netd";
	net->link.connected = on_connected;
	net->link.lost = on_lost;
	net->link.message = on_message;
	link_init(&net->link, loop, socket_path);
	net->events = events;
	net->ctx = ctx;
	return net;
}

void netd_destroy(struct netd *net)
{
	if (!net)
		return;
	link_finish(&net->link);
	free(net);
}

void netd_connect(struct netd *net)
{
	link_connect(&net->link);
}

bool netd_is_there(const struct netd *net)
{
	return link_is_there(&net->link);
}

bool netd_is_ready(const struct netd *net)
{
	return net->is_ready;
}

bool netd_is_idle(const struct netd *net)
{
	return !net->count;
}

static struct msg *begin(struct netd *net, uint32_t type)
{
	msg_init(&net->link.out, type);
	return &net->link.out;
}

static int ask(struct netd *net, netd_done_fn *done, void *ctx, struct err *e)
{
	if (net->count == PENDING_MAX)
		return err_set(e, "netd does not answer");
	if (link_send(&net->link, e) < 0)
		return -1;
	net->pending[(net->first + net->count++) % PENDING_MAX] = (struct pending){ done, ctx };
	return 0;
}

static void put_address(struct msg *m, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	address_print(a, text);
	msg_put_str(m, text);
}

static void put_subnet(struct msg *m, const struct subnet *s)
{
	char text[SUBNET_TEXT_MAX];

	msg_put_str(m, subnet_print(s, text));
}

static void on_listed(void *ctx, const struct netd_answer *answer)
{
	struct netd *net = ctx;

	(void)answer;
	net->is_ready = true;
	net->events->listed(net->ctx);
}

int netd_list(struct netd *net, struct err *e)
{
	begin(net, WIRE_NET_LIST);
	return ask(net, on_listed, net, e);
}

int netd_create_network(struct netd *net, const struct network *network, netd_done_fn *done,
			void *ctx, struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_CREATE);

	msg_put_str(m, network->doc.name);
	msg_put_u64(m, network->compose->internal ? FLAG_INTERNAL : 0);
	put_subnet(m, &network->doc.subnet4);
	put_address(m, &network->gateway4);
	put_subnet(m, &network->doc.subnet6);
	put_address(m, &network->gateway6);
	msg_put_str(m, network->compose->policy);
	msg_put_u64(m, network->compose->mtu);
	return ask(net, done, ctx, e);
}

int netd_delete_network(struct netd *net, const char *name, struct err *e)
{
	msg_put_str(begin(net, WIRE_NET_DELETE), name);
	return ask(net, NULL, NULL, e);
}

/* Its rules, and who answers for names outside (gate/policy.h). */
static void put_policy(struct msg *m, const struct compose_service_network *n)
{
	char text[ADDRESS_TEXT_MAX];
	struct buf out;

	buf_init(&out, MSG_BYTES_MAX);
	buf_add_str(&out, n->policy);
	for (size_t i = 0; i < n->resolver_count; i++) {
		address_print(&n->resolvers[i], text);
		buf_add_format(&out, "resolver %s\n", text);
	}
	msg_put_str(m, out.data ? out.data : "");
	buf_finish(&out);
}

/* Its own, which its address is called by, and the service's, which the others have too. */
static void put_names(struct msg *m, const struct attachments *all, const struct attachment *a)
{
	const struct compose_service *service = all->service;
	const char *const *aliases = a->wanted->aliases;
	bool has_hostname = service->hostname && strcmp(service->hostname, service->name) != 0;
	bool is_numbered = strcmp(all->name, service->name) != 0;
	const char *given = service->container_name;
	size_t count = 0;

	while (aliases[count])
		count++;
	msg_put_u64(m, 1 + is_numbered + has_hostname + (given != NULL) + count);
	msg_put_str(m, all->name);
	if (is_numbered)
		msg_put_str(m, service->name);
	if (has_hostname)
		msg_put_str(m, service->hostname);
	if (given)
		msg_put_str(m, given);
	for (size_t i = 0; i < count; i++)
		msg_put_str(m, aliases[i]);
}

int netd_attach(struct netd *net, const struct attachments *all, unsigned number, int net_ns_fd,
		netd_done_fn *done, void *ctx, struct err *e)
{
	const struct attachment *a = &all->items[number];
	const struct compose_service *service = all->service;
	struct msg *m = begin(net, WIRE_NET_ATTACH);
	char device[16];

	snprintf(device, sizeof(device), "eth%u", number);
	msg_put_str(m, a->network->doc.name);
	msg_put_str(m, all->name);
	msg_put_str(m, device);
	put_address(m, &a->address4);
	put_address(m, &a->address6);
	msg_put_str(m, compose_mac_address(service, a->wanted));
	/* Who is on internal networks alone has no way out, but a name server. */
	msg_put_u64(m, a->is_default		       ? FLAG_DEFAULT
		       : a == attachments_default(all) ? FLAG_ASKED
						       : 0);
	put_policy(m, &service->network);
	put_names(m, all, a);
	msg_put_u64(m, all->exposed.count);
	for (size_t i = 0; i < all->exposed.count; i++)
		msg_put_u64(m, all->exposed.ports[i]);
	msg_put_fd(m, net_ns_fd);
	return ask(net, done, ctx, e);
}

int netd_capture(struct netd *net, const char *network, const char *container,
		 netd_done_fn *done, void *ctx, struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_CAPTURE);

	msg_put_str(m, network);
	msg_put_str(m, container);
	return ask(net, done, ctx, e);
}

int netd_ask_counters(struct netd *net, const char *network, const char *container, struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_STATS);

	msg_put_str(m, network);
	msg_put_str(m, container);
	return link_send(&net->link, e);
}

int netd_detach(struct netd *net, const char *network, const char *container, struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_DETACH);

	msg_put_str(m, network);
	msg_put_str(m, container);
	return ask(net, NULL, NULL, e);
}

int netd_publish(struct netd *net, const struct netd_port *port, netd_done_fn *done, void *ctx,
		 struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_PUBLISH);

	msg_put_str(m, port->network);
	msg_put_str(m, port->key);
	msg_put_u64(m, port->protocol);
	msg_put_str(m, port->host_address);
	msg_put_u64(m, port->host_port);
	msg_put_u64(m, port->container_port);
	msg_put_u64(m, port->least_connections);
	/* Who is behind it as anything else is told by netd_set_backend alone. */
	msg_put_u64(m, port->state == NETD_SERVES);
	if (port->state == NETD_SERVES)
		msg_put_str(m, port->container);
	return ask(net, done, ctx, e);
}

int netd_set_backend(struct netd *net, const struct netd_port *port, enum netd_backend state,
		     struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_BACKEND);

	msg_put_str(m, port->network);
	msg_put_str(m, port->key);
	msg_put_str(m, port->container);
	msg_put_u64(m, state);
	return ask(net, NULL, NULL, e);
}

int netd_withdraw(struct netd *net, const struct netd_port *port, struct err *e)
{
	struct msg *m = begin(net, WIRE_NET_WITHDRAW);

	msg_put_str(m, port->network);
	msg_put_str(m, port->key);
	return ask(net, NULL, NULL, e);
}
