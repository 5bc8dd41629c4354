/* verbs_port.c - see verbs.h */
#include <netinet/in.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "net/listener.h"
#include "net/net_network.h"
#include "net/net_told.h"
#include "net/nets.h"
#include "net/verbs.h"

enum { BALANCES = 2, PORT_MAX = 65535 };

struct request {
	const char *network, *key, *address;
	uint64_t protocol, host_port, container_port, balance, count;
	const char *containers[NET_BACKENDS_MAX];
};

static int check(const struct request *r, struct err *e)
{
	if (!r->key[0] || strlen(r->key) >= NET_KEY_BYTES || strlen(r->address) >= ADDRESS_TEXT_MAX)
		return err_set(e, "its key or address is too long");
	if (r->protocol != IPPROTO_TCP && r->protocol != IPPROTO_UDP)
		return err_set(e, "protocol %ju cannot be published: only tcp and udp",
			       (uintmax_t)r->protocol);
	if (r->host_port > PORT_MAX || r->container_port == 0 || r->container_port > PORT_MAX)
		return err_set(e, "a port is 1 to %d", PORT_MAX);
	if (r->balance >= BALANCES)
		return err_set(e, "way %ju to choose a backend is unknown", (uintmax_t)r->balance);
	for (size_t i = 0; i < r->count; i++)
		if (!str_is_name(r->containers[i]))
			return err_set(e, "that is no name of a container");
	return 0;
}

static bool is_same(const struct net_port *p, const struct request *r)
{
	return (uint64_t)p->protocol == r->protocol && str_equal(p->address, r->address) &&
	       (r->host_port == 0 || p->host_port == r->host_port) &&
	       p->container_port == r->container_port;
}

static void set_backend(struct net_network *w, struct net_port *p, const char *container,
			enum net_backend_state state)
{
	if (net_port_set_backend(p, container, state))
		net_tell_backend(w, p, container, state);
}

static int open_port(struct net_network *w, const struct request *r, uint16_t *port, struct err *e)
{
	struct net_port *p;
	int fd;

	if (w->port_count == NET_PORTS_MAX)
		return err_set(e, "network %s has %d published ports already", w->name,
			       NET_PORTS_MAX);
	fd = listener_open((int)r->protocol, r->address, port, e);
	if (fd < 0)
		return -1;
	p = net_port_add(w, r->key);
	p->fd = fd;
	p->protocol = (int)r->protocol;
	p->host_port = *port;
	p->container_port = (uint16_t)r->container_port;
	p->balance = r->balance;
	str_copy(p->address, sizeof(p->address), r->address);
	for (size_t i = 0; i < r->count; i++)
		net_port_set_backend(p, r->containers[i], NET_BACKEND_SERVES);
	net_tell_port(w, p);
	return 0;
}

static int publish(struct net_network *w, const struct request *r, uint16_t *port, struct err *e)
{
	struct net_port *p = net_port_find(w, r->key);

	if (p && !is_same(p, r))
		return err_set(e, "%s is published already as something else: withdraw it first",
			       r->key);
	*port = p ? p->host_port : (uint16_t)r->host_port;
	if (!p)
		return open_port(w, r, port, e);
	if (p->balance != r->balance) {
		p->balance = r->balance;
		net_tell_balance(w, p);
	}
	for (size_t i = 0; i < r->count; i++)
		set_backend(w, p, r->containers[i], NET_BACKEND_SERVES);
	return 0;
}

int verb_publish(struct nets *n, struct msg *m, struct verb_answer *a)
{
	struct request r = { 0 };
	struct net_network *w;
	uint16_t port;

	r.network = msg_get_str(m);
	a->key = r.key = msg_get_str(m);
	r.protocol = msg_get_u64(m);
	r.address = msg_get_str(m);
	r.host_port = msg_get_u64(m);
	r.container_port = msg_get_u64(m);
	r.balance = msg_get_u64(m);
	r.count = msg_get_u64(m);
	if (r.count > NET_BACKENDS_MAX)
		return a->is_malformed = true,
		       err_set(&a->why, "more than %d containers", NET_BACKENDS_MAX);
	for (size_t i = 0; i < r.count; i++)
		r.containers[i] = msg_get_str(m);
	if (verb_end(m, a))
		return -1;
	w = nets_require(n, r.network, &a->why);
	if (!w || check(&r, &a->why) || publish(w, &r, &port, &a->why))
		return -1;
	msg_put_str(a->out, r.key);
	msg_put_u64(a->out, port);
	return 0;
}

int verb_backend(struct nets *n, struct msg *m, struct verb_answer *a)
{
	const char *network = msg_get_str(m), *container;
	struct net_network *w;
	struct net_port *p;
	uint64_t state;

	a->key = msg_get_str(m);
	container = msg_get_str(m);
	state = msg_get_u64(m);
	if (verb_end(m, a))
		return -1;
	w = nets_require(n, network, &a->why);
	if (!w)
		return -1;
	p = net_port_find(w, a->key);
	if (!p)
		return err_set(&a->why, "%s is not published", a->key);
	if (!str_is_name(container) || state >= NET_BACKEND_STATES)
		return err_set(&a->why, "that is no container or no state of one");
	if (!net_port_set_backend(p, container, (enum net_backend_state)state))
		return err_set(&a->why, "%s has %d containers already", a->key, NET_BACKENDS_MAX);
	net_tell_backend(w, p, container, state);
	msg_put_str(a->out, a->key);
	return 0;
}

int verb_withdraw(struct nets *n, struct msg *m, struct verb_answer *a)
{
	const char *network = msg_get_str(m);
	struct net_network *w;
	struct net_port *p;

	a->key = msg_get_str(m);
	if (verb_end(m, a))
		return -1;
	w = nets_require(n, network, &a->why);
	if (!w)
		return -1;
	p = net_port_find(w, a->key);
	if (!p)
		return err_set(&a->why, "%s is not published", a->key);
	if (p->fd >= 0)
		net_tell_withdraw(w, a->key);
	net_port_remove(w, p);
	msg_put_str(a->out, a->key);
	return 0;
}
