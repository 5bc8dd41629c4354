/* verbs_member.c - see verbs.h */
#include <netinet/in.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "net/capture_socket.h"
#include "net/net_neighbour.h"
#include "net/net_network.h"
#include "net/net_ns.h"
#include "net/net_told.h"
#include "net/nets.h"
#include "net/verbs.h"

enum { ATTACH_DEFAULT = 1, ATTACH_ASKED = 2, ATTACH_FLAGS = ATTACH_DEFAULT | ATTACH_ASKED };

struct request {
	const char *network, *container, *interface, *address4, *address6, *mac, *policy;
	uint64_t flags, name_count;
	const char *names[MEMBER_NAMES_MAX];
	uint64_t ports[MEMBER_PORTS_MAX], port_count;
	struct net_network *w;
	struct plug plug;
};

static int plan_address(const struct net_network *w, const char *container, int family,
			const char *text, struct address *out, struct err *e)
{
	const struct subnet *s = family == AF_INET ? &w->router.subnet4 : &w->router.subnet6;
	const struct address *g = family == AF_INET ? &w->router.gateway4 : &w->router.gateway6;

	if (!text[0])
		return 0;
	if (!address_parse(text, out) || out->family != family || !subnet_is_host(s, out))
		return err_set(e, "%s is no address of a machine in network %s", text, w->name);
	if (address_equal(out, g))
		return err_set(e, "%s is the gateway's address: give the container another one",
			       text);
	for (const struct net_member *m = w->members; m; m = m->next)
		if (!str_equal(m->name, container) && (address_equal(out, &m->plug.address4) ||
						       address_equal(out, &m->plug.address6)))
			return err_set(e, "%s is the address of %s", text, m->name);
	return 0;
}

/* As the kernel has it (dev_valid_name), and nothing that stands for something else in sysctls. */
static bool is_interface(const char *name)
{
	return str_is_name(name) && strlen(name) < IFNAMSIZ && !str_equal(name, "lo") &&
	       !str_equal(name, "all") && !str_equal(name, "default") && !strchr(name, '.');
}

static bool is_port(uint64_t port)
{
	return (port >> 16 == IPPROTO_TCP || port >> 16 == IPPROTO_UDP) && (uint16_t)port != 0;
}

static int plan(struct nets *n, struct request *r, int ns_fd, struct err *e)
{
	struct plug *p = &r->plug;

	r->w = nets_require(n, r->network, e);
	if (!r->w)
		return -1;
	if (!str_is_name(r->container) || !is_interface(r->interface))
		return err_set(e, "that is no name of a container or of its device");
	if (r->flags & ~(uint64_t)ATTACH_FLAGS)
		return err_set(e, "unknown flags %#jx", (uintmax_t)r->flags);
	if (plan_address(r->w, r->container, AF_INET, r->address4, &p->address4, e) ||
	    plan_address(r->w, r->container, AF_INET6, r->address6, &p->address6, e))
		return -1;
	if (!p->address4.family && !p->address6.family)
		return err_set(e, "it has no address");
	if (!r->mac[0])
		plug_mac_of(&p->address4, &p->address6, p->mac);
	else if (!plug_mac_parse(r->mac, p->mac))
		return err_set(e, "%s is no MAC address of one device", r->mac);
	if (strlen(r->policy) > NET_POLICY_BYTES_MAX)
		return err_set(e, "its policy is longer than %d bytes", NET_POLICY_BYTES_MAX);
	for (size_t i = 0; i < r->name_count; i++)
		if (strlen(r->names[i]) > NET_NAME_TEXT_MAX)
			return err_set(e, "a name of more than %d bytes", NET_NAME_TEXT_MAX);
	for (size_t i = 0; i < r->port_count; i++)
		if (!is_port(r->ports[i]))
			return err_set(e, "%#jx is no port of tcp or udp", (uintmax_t)r->ports[i]);
	str_copy(p->interface, sizeof(p->interface), r->interface);
	p->is_default = r->flags & ATTACH_DEFAULT;
	p->is_asked = r->flags & ATTACH_FLAGS;
	if (ns_fd < 0)
		return err_set(e, "its network namespace was not passed");
	return net_ns_check(ns_fd, n->own_ns_fd, e);
}

static bool is_same(const struct plug *a, const struct plug *b, int ns_fd)
{
	return net_ns_same(a->ns_fd, ns_fd) && address_equal(&a->address4, &b->address4) &&
	       address_equal(&a->address6, &b->address6) && str_equal(a->interface, b->interface) &&
	       memcmp(a->mac, b->mac, PLUG_MAC_BYTES) == 0 && a->is_default == b->is_default &&
	       a->is_asked == b->is_asked;
}

static void leave(struct net_network *w, struct net_member *m)
{
	net_tell_leave(w, m->name);
	net_neighbours_leave(w, m);
	net_member_remove(w, m);
}

static unsigned emptiest_tun(const struct net_network *w)
{
	unsigned members[ROUTER_TUNS] = { 0 };
	int least = 0, i;

	for (const struct net_member *m = w->members; m; m = m->next)
		members[m->plug.tun]++;
	for (i = 1; i < w->router.tun_count; i++)
		if (members[i] < members[least])
			least = i;
	return (unsigned)least;
}

/* Takes ns_fd over when it is done. */
static int attach(struct request *r, int *ns_fd, struct err *e)
{
	struct net_network *w = r->w;
	struct net_member *m = net_member_find(w, r->container);
	bool is_new;

	if (m && !is_same(&m->plug, &r->plug, *ns_fd)) {
		leave(w, m); /* it was started anew */
		m = NULL;
	}
	is_new = !m;
	if (!m) {
		if (w->member_count == NET_MEMBERS_MAX)
			return err_set(e, "network %s has %d containers already", w->name,
				       NET_MEMBERS_MAX);
		r->plug.ns_fd = *ns_fd;
		r->plug.index = w->next_index++;
		r->plug.tun = emptiest_tun(w);
		if (plug_in(&r->plug, &w->router, e))
			return -1;
		m = net_member_add(w, r->container);
		m->plug = r->plug;
		*ns_fd = -1;
	}
	net_member_describe(m, r->policy, r->names, r->name_count);
	net_member_expose(m, r->ports, r->port_count);
	net_tell_member(w, m);
	net_neighbours_join(w, m, is_new);
	return 0;
}

int verb_attach(struct nets *n, struct msg *m, struct verb_answer *a)
{
	AUTO_FD int ns_fd = msg_take_fd(m);
	struct request r = { 0 };

	a->key = r.network = msg_get_str(m);
	r.container = msg_get_str(m);
	r.interface = msg_get_str(m);
	r.address4 = msg_get_str(m);
	r.address6 = msg_get_str(m);
	r.mac = msg_get_str(m);
	r.flags = msg_get_u64(m);
	r.policy = msg_get_str(m);
	r.name_count = msg_get_u64(m);
	if (r.name_count > MEMBER_NAMES_MAX)
		return a->is_malformed = true,
		       err_set(&a->why, "more than %d names", MEMBER_NAMES_MAX);
	for (size_t i = 0; i < r.name_count; i++)
		r.names[i] = msg_get_str(m);
	r.port_count = msg_get_u64(m);
	if (r.port_count > MEMBER_PORTS_MAX)
		return a->is_malformed = true,
		       err_set(&a->why, "more than %d ports", MEMBER_PORTS_MAX);
	for (size_t i = 0; i < r.port_count; i++)
		r.ports[i] = msg_get_u64(m);
	if (verb_end(m, a))
		return -1;
	msg_put_str(a->out, a->key);
	return plan(n, &r, ns_fd, &a->why) || attach(&r, &ns_fd, &a->why) ? -1 : 0;
}

int verb_detach(struct nets *n, struct msg *m, struct verb_answer *a)
{
	const char *container;
	struct net_network *w;
	struct net_member *member;

	a->key = msg_get_str(m);
	container = msg_get_str(m);
	if (verb_end(m, a))
		return -1;
	msg_put_str(a->out, a->key);
	w = nets_find(n, a->key);
	member = w ? net_member_find(w, container) : NULL;
	if (member)
		leave(w, member);
	return 0;
}

int verb_capture(struct nets *n, struct msg *m, struct verb_answer *a)
{
	const char *container;
	struct net_network *w;
	struct net_member *member;

	a->key = msg_get_str(m);
	container = msg_get_str(m);
	if (verb_end(m, a))
		return -1;
	msg_put_str(a->out, a->key);
	w = nets_require(n, a->key, &a->why);
	if (!w)
		return -1;
	member = net_member_find(w, container);
	if (!member)
		return err_set(&a->why, "%s is not in network %s", container, w->name);
	a->fd = capture_socket_make(member->plug.ns_fd, n->own_ns_fd, &a->why);
	return a->fd < 0 ? -1 : 0;
}

int verb_stats(struct nets *n, struct msg *m, struct verb_answer *a)
{
	const char *container;
	struct net_network *w, nobody = { .nets = n };
	struct net_member *member;

	a->key = msg_get_str(m);
	container = msg_get_str(m);
	if (verb_end(m, a))
		return -1;
	a->is_later = true;
	w = nets_find(n, a->key);
	member = w ? net_member_find(w, container) : NULL;
	if (member) {
		member->waits_for_counters = true;
		net_tell_stats(w, container);
		return 0;
	}
	str_copy(nobody.name, sizeof(nobody.name), a->key);
	net_say_no_counters(&nobody, container);
	return 0;
}
