/* network_check.c - what the networks and the services of one file must have in common; see
 * network.h. */
#include <strings.h>

#include "compose/compose.h"
#include "compose/network.h"
#include "compose/reader.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"

static const char *const no_names[] = { NULL };

static struct compose_network *find(struct compose_project *p, const char *key)
{
	for (size_t i = 0; i < p->network_count; i++)
		if (str_equal(p->networks[i].key, key))
			return &p->networks[i];
	return NULL;
}

const struct compose_network *compose_network(const struct compose_project *project,
					      const char *key)
{
	return find((struct compose_project *)project, key);
}

/* There is room: see network_read_all. */
static void use(const struct reader *r, struct compose_project *p, const char *key)
{
	struct compose_network *n;

	if (find(p, key))
		return;
	if (!p->networks)
		p->networks = arena_array(r->arena, 2, sizeof(*p->networks));
	n = &p->networks[p->network_count++];
	*n = (struct compose_network){ .key = key, .name = key, .policy = "" };
	/* Docker's, whose address people know. */
	if (str_equal(key, "bridge"))
		subnet_parse("172.17.0.0/16", &n->subnet4);
}

static void attach(const struct reader *r, struct compose_project *p, struct compose_service *s)
{
	const char *key = s->network.is_given ? "bridge" : "default";

	if (s->network.mode != COMPOSE_NETWORK_OWN || s->network.attachment_count)
		return;
	use(r, p, key);
	s->network.attachments = arena_array(r->arena, 1, sizeof(*s->network.attachments));
	s->network.attachments[s->network.attachment_count++] = (struct compose_attachment){
		.network = key, .line = s->line, .aliases = no_names
	};
}

static int fail(const struct reader *r, unsigned line, const char *what, const char *name,
		struct err *e, const char *why)
{
	return err_set(e, "%s:%u: %s %s: %s", r->file, line, what, name, why);
}

/* A network of driver host or none is the mode of that name. */
static int take_driver(const struct reader *r, struct compose_project *p,
		       struct compose_service *s, struct err *e)
{
	struct compose_service_network *n = &s->network;

	for (size_t i = 0; i < n->attachment_count; i++) {
		const struct compose_network *net;

		/* compose-spec, 06-networks: "default" is there without a word. */
		if (str_equal(n->attachments[i].network, "default"))
			use(r, p, "default");
		net = find(p, n->attachments[i].network);
		if (!net)
			return err_set(e,
				       "%s:%u: service %s: network \"%s\" is not declared: add it "
				       "under networks: at the top level",
				       r->file, n->attachments[i].line, s->name,
				       n->attachments[i].network);
		if (net->driver == COMPOSE_DRIVER_BRIDGE)
			continue;
		if (n->attachment_count > 1)
			return fail(r, n->attachments[i].line, "service", s->name, e,
				    "a network of driver host or none is its only one");
		n->mode = net->driver == COMPOSE_DRIVER_HOST ? COMPOSE_NETWORK_HOST :
							       COMPOSE_NETWORK_NONE;
		n->attachment_count = 0;
	}
	return 0;
}

static int check_static(const struct reader *r, const struct compose_service *s,
			const struct compose_attachment *a, const struct address *address,
			const struct subnet *subnet, const struct address *named, struct err *e)
{
	const struct address gateway = named->family ? *named : subnet_first_host(subnet);
	char text[ADDRESS_TEXT_MAX];

	if (!address->family)
		return 0;
	if (!subnet->address.family)
		return fail(r, a->line, "service", s->name, e,
			    "an address of its own needs a network with a subnet of that family "
			    "under ipam:");
	if (!subnet_is_host(subnet, address))
		return fail(r, a->line, "service", s->name, e,
			    "its address is not one of a machine in the network's subnet");
	if (address_equal(&gateway, address))
		return err_set(e,
			       "%s:%u: service %s: its address %s is the gateway's of network %s: "
			       "choose another one, or name another gateway under ipam:",
			       r->file, a->line, s->name, address_print(address, text), a->network);
	return 0;
}

const char *compose_mac_address(const struct compose_service *s, const struct compose_attachment *a)
{
	return a->mac ? a->mac : a == s->network.attachments ? s->network.mac : NULL;
}

/* What of the two can only be one's on that network. NULL: nothing. */
static const char *same(const struct compose_service *s, const struct compose_attachment *a,
			const struct compose_service *other_service,
			const struct compose_attachment *other)
{
	const char *mac = compose_mac_address(s, a);
	const char *other_mac = compose_mac_address(other_service, other);

	if (other == a || !str_equal(other->network, a->network))
		return NULL;
	if ((a->address4.family && address_equal(&a->address4, &other->address4)) ||
	    (a->address6.family && address_equal(&a->address6, &other->address6)))
		return "address";
	return mac && other_mac && strcasecmp(mac, other_mac) == 0 ? "MAC address" : NULL;
}

static int check_alone(const struct reader *r, const struct compose_project *p,
		       const struct compose_service *s, const struct compose_attachment *a,
		       struct err *e)
{
	for (size_t i = 0; i < p->service_count; i++) {
		const struct compose_service *other = &p->services[i];

		for (size_t k = 0; k < other->network.attachment_count; k++) {
			const char *what = same(s, a, other, &other->network.attachments[k]);

			if (what)
				return err_set(e,
					       "%s:%u: service %s: service %s has the same %s on "
					       "network %s",
					       r->file, a->line, s->name, other->name, what,
					       a->network);
		}
	}
	return 0;
}

static int check_attachments(const struct reader *r, struct compose_project *p,
			     const struct compose_service *s, struct err *e)
{
	for (size_t i = 0; i < s->network.attachment_count; i++) {
		const struct compose_attachment *a = &s->network.attachments[i];
		const struct compose_network *n = find(p, a->network);

		if (check_static(r, s, a, &a->address4, &n->subnet4, &n->gateway4, e) < 0 ||
		    check_static(r, s, a, &a->address6, &n->subnet6, &n->gateway6, e) < 0 ||
		    check_alone(r, p, s, a, e) < 0)
			return -1;
	}
	return 0;
}

static const struct compose_service *find_service(const struct compose_project *p, const char *name)
{
	for (size_t i = 0; i < p->service_count; i++)
		if (str_equal(p->services[i].name, name))
			return &p->services[i];
	return NULL;
}

static bool has_name(const struct compose_service *s, const char *name)
{
	return str_equal(s->name, name) ||
	       (s->container_name && str_equal(s->container_name, name));
}

static int check_container_name(const struct reader *r, const struct compose_project *p,
				const struct compose_service *s, struct err *e)
{
	for (size_t i = 0; s->container_name && i < p->service_count; i++)
		if (&p->services[i] != s && has_name(&p->services[i], s->container_name))
			return err_set(e, "%s:%u: service %s: container_name %s: service %s has it",
				       r->file, s->line, s->name, s->container_name,
				       p->services[i].name);
	return 0;
}

static bool shares_network(const struct compose_service *a, const struct compose_service *b)
{
	for (size_t i = 0; i < a->network.attachment_count; i++)
		for (size_t k = 0; k < b->network.attachment_count; k++)
			if (str_equal(a->network.attachments[i].network,
				      b->network.attachments[k].network))
				return true;
	return false;
}

static int check_links(const struct reader *r, const struct compose_project *p,
		       const struct compose_service *s, struct err *e)
{
	for (size_t i = 0; i < s->network.link_count; i++) {
		const struct compose_link *l = &s->network.links[i];
		const struct compose_service *other = find_service(p, l->service);

		if (!other || other == s)
			return err_set(
				e, "%s:%u: service %s: links: there is no other service \"%.64s\"",
				r->file, l->line, s->name, l->service);
		if (!shares_network(s, other))
			return fail(r, l->line, "service", s->name, e,
				    "links: that service is on none of its networks");
	}
	return 0;
}

static int check_shared(const struct reader *r, const struct compose_project *p,
			struct compose_service *s, struct err *e)
{
	const struct compose_service *other = NULL;

	for (size_t i = 0; i < p->service_count && !other; i++)
		if (has_name(&p->services[i], s->network.shared))
			other = &p->services[i];
	if (other)
		s->network.shared = other->name;
	if (!other || other == s)
		return err_set(e,
			       "%s:%u: service %s: network_mode: there is no other service "
			       "\"%.64s\"",
			       r->file, s->line, s->name, s->network.shared);
	if (other->network.mode == COMPOSE_NETWORK_SHARED)
		return fail(r, s->line, "service", s->name, e,
			    "network_mode: that service shares the network of another one: name "
			    "that one");
	if (other->network.mode == COMPOSE_NETWORK_HOST)
		return fail(r, s->line, "service", s->name, e,
			    "network_mode: that service has the machine's network: write host");
	return 0;
}

/* Without a network of its own there is nothing to set in it. */
static int check_mode(const struct reader *r, const struct compose_project *p,
		      struct compose_service *s, struct err *e)
{
	const struct compose_service_network *n = &s->network;

	if (n->mode == COMPOSE_NETWORK_OWN)
		return 0;
	if (n->port_count)
		return fail(r, s->line, "service", s->name, e,
			    n->mode == COMPOSE_NETWORK_HOST ?
				    "ports need a network of its own: with network_mode: host its "
				    "ports are the machine's" :
			    n->mode == COMPOSE_NETWORK_NONE ?
				    "ports need a network, and it has none: take them or "
				    "network_mode out" :
				    "ports belong to the service whose network it shares: "
				    "write them there");
	if (n->mac || n->resolver_count || n->search || n->options || *n->policy || s->sysctl_count)
		return fail(r, s->line, "service", s->name, e,
			    "mac_address, dns, sysctls and cuvette.* need a network of its own: "
			    "take them or network_mode out");
	return n->mode == COMPOSE_NETWORK_SHARED ? check_shared(r, p, s, e) : 0;
}

/* Two services at one port of the machine: the second could not listen. */
static int check_ports(const struct reader *r, const struct compose_project *p,
		       const struct compose_service *s, struct err *e)
{
	for (const struct compose_service *other = p->services; other < s; other++)
		for (size_t i = 0; i < s->network.port_count; i++)
			for (size_t k = 0; k < other->network.port_count; k++)
				if (port_map_collides(&s->network.ports[i],
						      &other->network.ports[k]))
					return err_set(e,
						       "%s:%u: service %s: port %u is published by "
						       "service %s, too: give one of them another",
						       r->file, s->line, s->name,
						       s->network.ports[i].host_first, other->name);
	return 0;
}

static int check_overlap(const struct reader *r, const struct compose_project *p,
			 const struct compose_network *n, struct err *e)
{
	for (const struct compose_network *other = p->networks; other < n; other++) {
		if (str_equal(other->name, n->name))
			return err_set(e, "%s:%u: network %s: network %s has the same name",
				       r->file, n->line, n->key, other->key);
		if (subnet_overlaps(&other->subnet4, &n->subnet4) ||
		    subnet_overlaps(&other->subnet6, &n->subnet6))
			return err_set(e, "%s:%u: network %s: its subnet overlaps network %s's",
				       r->file, n->line, n->key, other->key);
	}
	return 0;
}

int network_check(const struct reader *r, struct compose_project *p, struct err *e)
{
	for (size_t i = 0; i < p->service_count; i++) {
		struct compose_service *s = &p->services[i];

		if (s->network.is_given && s->network.attachment_count)
			return fail(r, s->line, "service", s->name, e,
				    "network_mode and networks cannot be combined: take one out");
		attach(r, p, s);
		if (take_driver(r, p, s, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < p->network_count; i++)
		if (check_overlap(r, p, &p->networks[i], e) < 0)
			return -1;
	for (size_t i = 0; i < p->service_count; i++)
		if (check_container_name(r, p, &p->services[i], e) < 0 ||
		    check_links(r, p, &p->services[i], e) < 0 ||
		    check_mode(r, p, &p->services[i], e) < 0 ||
		    check_ports(r, p, &p->services[i], e) < 0 ||
		    check_attachments(r, p, &p->services[i], e) < 0)
			return -1;
	return 0;
}
