#include "gate/naming.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "gate/dns.h"
#include "gate/dns_member.h"
#include "gate/egress.h"
#include "gate/gate.h"
#include "gate/gate_neighbour.h"
#include "gate/policy.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

struct naming {
	struct gate_part part;
	struct dns *dns;
	struct egress *egress;
	struct policy *policy;	/* of the network */
};

static struct policy *read_policy(const char *text, const char *whose)
{
	struct err e;
	struct policy *p = policy_create(text, &e);

	if (p)
		return p;
	log_err("policy of %s: %s; nothing is allowed out", whose, e.text);
	p = policy_create("deny *", &e);
	if (!p)
		abort();
	return p;
}

/* Said again as it was: stays, with what its names have learnt. */
static struct policy *renew_policy(struct policy *old, const char *text, const char *whose)
{
	struct policy *p;

	if (old && str_equal(policy_text(old), text))
		return old;
	p = read_policy(text, whose);
	policy_inherit(p, old);
	policy_destroy(old);
	return p;
}

static int list_gateways(const struct gate *g, struct address list[2])
{
	int count = 0;

	if (g->network.gateway4.family)
		list[count++] = g->network.gateway4;
	if (g->network.gateway6.family)
		list[count++] = g->network.gateway6;
	return count;
}

static int list_subnets(const struct gate *g, struct subnet list[2])
{
	int count = 0;

	if (g->network.subnet4.address.family)
		list[count++] = g->network.subnet4;
	if (g->network.subnet6.address.family)
		list[count++] = g->network.subnet6;
	return count;
}

/* A member without a limit of its own has the network's. */
static void set_rates(struct gate *g, struct gate_member *m)
{
	uint64_t bits = policy_rate_bits(m->policy), now_ns = time_boot_ns();

	if (bits == 0)
		bits = policy_rate_bits(g->policy);
	rate_change(&m->rate_out, bits, now_ns);
	rate_change(&m->rate_in, bits, now_ns);
}

static void on_network(struct gate_part *part, struct gate *g, int tun_fds[TUN_DEVICES_MAX])
{
	struct naming *n = owner_of(part, struct naming, part);
	struct gate_member *m = NULL;
	struct address gateways[2];
	struct subnet subnets[2];
	int gateway_count = list_gateways(g, gateways), subnet_count = list_subnets(g, subnets);

	(void)tun_fds;
	g->policy = n->policy = renew_policy(n->policy, g->network.policy_text, g->network.name);
	egress_set_network(g->egress, g->network.internal, subnets, subnet_count, gateways,
			   gateway_count, g->policy);
	dns_set_network(g->dns, g->network.internal, g->network.name, gateways, gateway_count,
			subnets, subnet_count);
	while ((m = gate_member_next(&g->members, m)))
		set_rates(g, m);
}

static void on_resolvers(struct gate_part *part, struct gate *g)
{
	(void)part;
	dns_set_resolvers(g->dns, g->resolvers, (int)g->resolver_count);
}

static void on_forbidden(struct gate_part *part, struct gate *g)
{
	(void)part;
	egress_set_forbidden(g->egress, g->forbidden, (int)g->forbidden_count);
}

static void on_member(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	const struct address *resolvers;
	struct address addresses[2];
	struct dns_member said = {
		.container = m->container,
		.addresses = addresses,
		.names = (const char *const *)m->names,
		.name_count = (int)m->name_count,
		.ports = m->ports,
		.port_count = (int)m->port_count,
	};
	struct err e;
	int count;

	(void)part;
	m->policy = renew_policy(m->policy, m->policy_text, m->container);
	set_rates(g, m);
	if (m->address4.family)
		addresses[said.address_count++] = m->address4;
	if (m->address6.family)
		addresses[said.address_count++] = m->address6;
	if (dns_set_member(g->dns, &said, &e) < 0)
		log_warn("names of %s: %s", m->container, e.text);
	count = policy_resolvers(m->policy, &resolvers);
	dns_set_member_resolvers(g->dns, m->container, resolvers, count);
}

static void on_member_leaves(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	(void)part;
	dns_remove_member(g->dns, m->container);
	policy_destroy(m->policy);
	m->policy = NULL;
}

/* ---- networks that members are on too */

static void on_neighbour(struct gate_part *part, struct gate *g, const struct gate_neighbour *n)
{
	const struct subnet subnets[2] = { n->subnet4, n->subnet6 };
	struct err e;

	(void)part;
	if (dns_set_neighbour(g->dns, n->network, subnets, 2, &e) < 0)
		log_warn("names of network %s: %s", n->network, e.text);
}

static void on_neighbour_goes(struct gate_part *part, struct gate *g, const char *network)
{
	(void)part;
	dns_remove_neighbour(g->dns, network);
}

static void on_peer(struct gate_part *part, struct gate *g, const struct gate_peer *p)
{
	const struct address addresses[2] = { p->address4, p->address6 };
	const struct dns_member said = {
		.container = p->container,
		.addresses = addresses,
		.address_count = 2,
		.names = p->names,
		.name_count = (int)p->name_count,
		.ports = p->ports,
		.port_count = (int)p->port_count,
	};
	struct err e;

	(void)part;
	if (dns_set_peer(g->dns, p->network, &said, &e) < 0)
		log_warn("names of %s on network %s: %s", p->container, p->network, e.text);
}

static void on_peer_leaves(struct gate_part *part, struct gate *g, const char *network,
			   const char *container)
{
	(void)part;
	dns_remove_peer(g->dns, network, container);
}

/* ---- what the DNS server wants to know */

static struct gate_member *member_of(struct gate *g, const char *container)
{
	return container ? gate_member_by_name(&g->members, container) : NULL;
}

static void on_address(void *ctx, const char *container, const char *name,
		       const struct address *address, uint64_t until_ms)
{
	struct gate *g = ctx;
	struct gate_member *m = member_of(g, container);

	if (g->policy)
		policy_learn(g->policy, name, address, until_ms);
	if (m)
		policy_learn(m->policy, name, address, until_ms);
}

static void on_question(void *ctx, const char *container, bool forwarded)
{
	struct gate_member *m = member_of(ctx, container);

	if (!m)
		return;
	m->stats.dns_questions++;
	m->stats.dns_forwarded += forwarded;
}

static bool may_ask(void *ctx, const char *container, const struct address *resolver)
{
	struct gate *g = ctx;
	struct gate_member *m = member_of(g, container);

	return egress_decide(g->egress, m ? m->policy : NULL, IPPROTO_UDP, resolver, 53) ==
	       EGRESS_ALLOW;
}

static void on_unasked(void *ctx, const char *container, const struct address *resolver)
{
	char text[ADDRESS_TEXT_MAX];

	(void)ctx;
	address_print(resolver, text);
	if (policy_class(resolver, NULL) == POLICY_CLASS_NEVER)
		log_warn("container=%s: its resolver %s is not asked: nothing outside has that "
			 "address", container, text);
	else
		log_warn("container=%s: its resolver %s is not asked: a policy does not let it; "
			 "write `allow %s 53` first in cuvette.egress, of its network too if that "
			 "has lines", container, text, text);
}

static bool may_name(void *ctx, const char *container, const struct dns_name *name)
{
	struct gate *g = ctx;
	struct gate_member *m = member_of(g, container);

	if (policy_allows_question(g->policy, name) &&
	    (!m || policy_allows_question(m->policy, name)))
		return true;
	if (m)
		m->stats.dns_refused++;
	return false;
}

static bool logs(void *ctx, const char *container)
{
	struct gate *g = ctx;
	struct gate_member *m = member_of(g, container);

	return (g->policy && policy_logs_dns(g->policy)) || (m && policy_logs_dns(m->policy));
}

struct naming *naming_create(struct gate *g)
{
	const struct dns_hooks hooks = {
		.ctx = g,
		.on_address = on_address,
		.on_question = on_question,
		.may_ask = may_ask,
		.on_unasked = on_unasked,
		.may_name = may_name,
		.logs = logs,
	};
	struct naming *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	g->egress = n->egress = egress_create();
	g->dns = n->dns = dns_create(g->loop, &hooks);
	n->part.network = on_network;
	n->part.resolvers = on_resolvers;
	n->part.forbidden = on_forbidden;
	n->part.member = on_member;
	n->part.member_leaves = on_member_leaves;
	n->part.neighbour = on_neighbour;
	n->part.neighbour_goes = on_neighbour_goes;
	n->part.peer = on_peer;
	n->part.peer_leaves = on_peer_leaves;
	gate_add_part(g, &n->part);
	return n;
}

void naming_destroy(struct naming *n)
{
	if (!n)
		return;
	dns_destroy(n->dns);
	egress_destroy(n->egress);
	policy_destroy(n->policy);
	free(n);
}
