/* leftover.c - see leftover.h. */
#include "engine/leftover.h"

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/container.h"
#include "engine/former_port.h"
#include "engine/member_former.h"
#include "engine/network.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

enum { MTU = 1500 };	/* of NET_CREATE, when none is given */

static bool is_address(const struct address *own, const char *text)
{
	struct address a;

	return *text ? address_parse(text, &a) && address_equal(&a, own) : !own->family;
}

static bool is_subnet(const struct subnet *own, const char *text)
{
	struct subnet s;

	if (!*text)
		return !own->address.family;
	return subnet_parse(text, &s) && subnet_equal(&s, own);
}

static bool is_same(const struct network *own, const struct netd_network *n)
{
	return is_subnet(&own->doc.subnet4, n->subnet4) &&
	       is_address(&own->gateway4, n->gateway4) &&
	       is_subnet(&own->doc.subnet6, n->subnet6) &&
	       is_address(&own->gateway6, n->gateway6) &&
	       n->mtu == (own->compose->mtu ? own->compose->mtu : MTU);
}

void leftover_network(struct leftover *l, const struct netd_network *n)
{
	struct network *own = networks_find_named(l->networks, n->name);
	struct err e;

	l->skips = !own || !is_same(own, n);
	if (!l->skips)
		return;
	log_info("network=%s %s: removed", n->name,
		 own ? "is another one in the compose file"
		     : "is not in the compose file any more");
	if (netd_delete_network(l->net, n->name, &e) < 0)
		log_warn("remove network %s: %s", n->name, e.text);
}

static struct container *find(const struct leftover *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (str_equal(l->containers[i].doc.name, name))
			return &l->containers[i];
	return NULL;
}

void leftover_member(struct leftover *l, const struct netd_member *m)
{
	struct container *c = find(l, m->container);
	const struct attachment *a =
		c && c->attachments ? attachments_on(c->attachments, m->network) : NULL;
	struct err e;

	if (l->skips)
		return;
	if (a && is_address(&a->address4, m->address4) && is_address(&a->address6, m->address6)) {
		member_claim(&c->member);
		return;
	}
	log_info("container=%s is not on network %s any more: detached", m->container, m->network);
	if (netd_detach(l->net, m->network, m->container, &e) < 0)
		log_warn("detach %s: %s", m->container, e.text);
}

/* Of the service that has it still; the ports that it is to have now come back, too. */
static struct former_port *remember(const struct leftover *l, const char *network, const char *key,
				    uint64_t host_port, const struct member_ports **ports)
{
	for (size_t i = 0; i < l->count; i++) {
		struct container *c = &l->containers[i];
		struct former_port *p;

		if (!c->attachments ||
		    !str_equal(attachments_network(c->attachments), network))
			continue;
		p = former_port_read(key, host_port, c->attachments->service->name, c->env->arena);
		if (!p)
			continue;
		*ports = c->member.ports;
		return member_former_remember(c->member.ports, p);
	}
	return NULL;
}

/* What is in its own service's way makes way when that is all that is missing. */
static bool is_in_anothers_way(const struct leftover *l, const struct former_port *p,
			       const struct member_ports *own)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct container *c = &l->containers[i];

		if (c->attachments && c->member.ports != own &&
		    member_ports_collide(c->member.ports, &p->map))
			return true;
	}
	return false;
}

void leftover_port(struct leftover *l, const char *network, const char *key, uint64_t host_port)
{
	const struct netd_port port = { .network = network, .key = key };
	const struct member_ports *ports;
	struct former_port *former;
	struct err e;

	if (l->skips)
		return;
	for (size_t i = 0; i < l->count; i++)
		if (l->containers[i].attachments &&
		    member_ports_claim(&l->containers[i].member, network, key))
			return;
	former = remember(l, network, key, host_port, &ports);
	if (former) {
		former->given = is_in_anothers_way(l, former, ports);
		former->open = !former->given;
		if (former->open)
			return;
	}
	log_info("port \"%s\" of network %s is not in the compose file any more: closed", key,
		 network);
	if (netd_withdraw(l->net, &port, &e) < 0)
		log_warn("close port %s: %s", key, e.text);
}
