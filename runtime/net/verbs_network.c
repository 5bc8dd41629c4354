/* verbs_network.c - see verbs.h */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "net/net_network.h"
#include "net/net_told.h"
#include "net/nets.h"
#include "net/verbs.h"
#include "wire/wire.h"

struct request {
	const char *name, *subnet4, *gateway4, *subnet6, *gateway6, *policy;
	uint64_t flags, mtu;
};

static int plan_family(int family, const char *subnet, const char *gateway, struct subnet *s,
		       struct address *g, struct err *e)
{
	if (!subnet[0])
		return gateway[0] ? err_set(e, "gateway %s has no subnet", gateway) : 0;
	if (!subnet_parse(subnet, s) || s->address.family != family)
		return err_set(e, "%s is no IPv%d subnet", subnet, family == AF_INET ? 4 : 6);
	if (subnet_is_reserved(s))
		return err_set(e, "%s lies where no network can be", subnet);
	if (!address_parse(gateway, g) || !subnet_is_host(s, g))
		return err_set(e, "gateway %s is no address of a machine in %s", gateway, subnet);
	return 0;
}

static int plan_router(const struct request *r, struct router *plan, struct err *e)
{
	unsigned least;

	*plan = (struct router){ .route_fd = -1 };
	if (plan_family(AF_INET, r->subnet4, r->gateway4, &plan->subnet4, &plan->gateway4, e) ||
	    plan_family(AF_INET6, r->subnet6, r->gateway6, &plan->subnet6, &plan->gateway6, e))
		return -1;
	if (!plan->subnet4.address.family && !plan->subnet6.address.family)
		return err_set(e, "it has no subnet");
	least = plan->subnet6.address.family ? ROUTER_MTU_MIN6 : ROUTER_MTU_MIN;
	if (r->mtu != 0 && (r->mtu < least || r->mtu > ROUTER_MTU_MAX))
		return err_set(e, "an MTU is %u to %d bytes here, not %ju", least, ROUTER_MTU_MAX,
			       (uintmax_t)r->mtu);
	plan->mtu = r->mtu ? (unsigned)r->mtu : ROUTER_MTU;
	return 0;
}

static bool is_same(const struct router *a, const struct router *b)
{
	return memcmp(&a->subnet4, &b->subnet4, sizeof(a->subnet4)) == 0 &&
	       memcmp(&a->subnet6, &b->subnet6, sizeof(a->subnet6)) == 0 &&
	       address_equal(&a->gateway4, &b->gateway4) &&
	       address_equal(&a->gateway6, &b->gateway6) && a->mtu == b->mtu;
}

static void unlink_network(struct nets *n, struct net_network *w)
{
	struct net_network **at = &n->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	n->count--;
	net_network_destroy(w);
	nets_tell_forbidden(n);
}

static int make_network(struct nets *n, const struct request *r, const struct router *plan,
			struct err *e)
{
	struct net_network *w;

	if (n->count == NETS_MAX)
		return err_set(e, "there are %d networks already", NETS_MAX);
	for (w = n->first; w; w = w->next)
		if (subnet_overlaps(&w->router.subnet4, &plan->subnet4) ||
		    subnet_overlaps(&w->router.subnet6, &plan->subnet6))
			return err_set(e, "its subnet overlaps with network %s", w->name);
	w = net_network_create(n, r->name, plan, e);
	if (!w)
		return -1;
	net_network_set_policy(w, r->flags, r->policy);
	w->next = n->first;
	n->first = w;
	n->count++;
	nets_tell_forbidden(n);
	keeper_start(&w->keeper);
	log_info("network=%s made", w->name);
	return 0;
}

static int change_network(struct nets *n, struct net_network *w, const struct request *r,
			  const struct router *plan, struct err *e)
{
	if (!is_same(&w->router, plan)) {
		if (w->member_count || w->port_count)
			return err_set(e,
				       "it is in use: its subnets, gateways and MTU stay as they "
				       "are until its containers have left");
		unlink_network(n, w);
		return make_network(n, r, plan, e);
	}
	net_network_set_policy(w, r->flags, r->policy);
	net_tell_network(w);
	return 0;
}

int verb_create(struct nets *n, struct msg *m, struct verb_answer *a)
{
	struct request r = { 0 };
	struct net_network *w;
	struct router plan;

	a->key = r.name = msg_get_str(m);
	r.flags = msg_get_u64(m);
	r.subnet4 = msg_get_str(m);
	r.gateway4 = msg_get_str(m);
	r.subnet6 = msg_get_str(m);
	r.gateway6 = msg_get_str(m);
	r.policy = msg_get_str(m);
	r.mtu = msg_get_u64(m);
	if (verb_end(m, a))
		return -1;
	msg_put_str(a->out, r.name);
	if (!str_is_name(r.name))
		return err_set(&a->why, "that is no name of a network");
	if (r.flags & ~(uint64_t)NET_FLAGS)
		return err_set(&a->why, "unknown flags %#jx", (uintmax_t)r.flags);
	if (strlen(r.policy) > NET_POLICY_BYTES_MAX)
		return err_set(&a->why, "its policy is longer than %d bytes", NET_POLICY_BYTES_MAX);
	if (plan_router(&r, &plan, &a->why))
		return -1;
	w = nets_find(n, r.name);
	return w ? change_network(n, w, &r, &plan, &a->why) : make_network(n, &r, &plan, &a->why);
}

int verb_delete(struct nets *n, struct msg *m, struct verb_answer *a)
{
	struct net_network *w;

	a->key = msg_get_str(m);
	if (verb_end(m, a))
		return -1;
	msg_put_str(a->out, a->key);
	w = nets_find(n, a->key);
	if (w) {
		log_info("network=%s deleted", w->name);
		unlink_network(n, w);
	}
	return 0;
}

static void put_address(struct msg *m, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	msg_put_str(m, address_print(a, text));
}

static void say_network(const struct net_network *w, struct msg *m)
{
	char text[SUBNET_TEXT_MAX];

	msg_init(m, WIRE_NET_NETWORK);
	msg_put_str(m, w->name);
	msg_put_u64(m, w->member_count);
	msg_put_str(m, subnet_print(&w->router.subnet4, text));
	put_address(m, &w->router.gateway4);
	msg_put_str(m, subnet_print(&w->router.subnet6, text));
	put_address(m, &w->router.gateway6);
	msg_put_u64(m, w->router.mtu);
	nets_say(w->nets, m);
}

int verb_list(struct nets *n, struct msg *m, struct verb_answer *a)
{
	struct msg one;

	if (verb_end(m, a))
		return -1;
	for (struct net_network *w = n->first; w; w = w->next) {
		say_network(w, &one);
		for (struct net_member *member = w->members; member; member = member->next) {
			msg_init(&one, WIRE_NET_MEMBER);
			msg_put_str(&one, w->name);
			msg_put_str(&one, member->name);
			put_address(&one, &member->plug.address4);
			put_address(&one, &member->plug.address6);
			nets_say(n, &one);
		}
		for (struct net_port *p = w->ports; p; p = p->next) {
			msg_init(&one, WIRE_NET_PORT);
			msg_put_str(&one, w->name);
			msg_put_str(&one, p->key);
			msg_put_u64(&one, p->host_port);
			nets_say(n, &one);
		}
	}
	msg_put_str(a->out, "");
	return 0;
}
