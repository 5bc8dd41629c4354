#include "gate/egress.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gate/address.h"
#include "gate/dns_name.h"
#include "gate/policy.h"
#include "lib/fd.h"
#include "lib/time.h"

enum {
	OWN_MAX = 4,		/* subnets and gateways of one network: one of each family */
	KNOWN = 256,		/* x 32 bytes: whether an address is the machine's own */
	KNOWN_MS = 1000,	/* so long an address that the machine gets can still be reached */
};

struct known {
	struct address address;
	bool own;
	uint64_t until_ms;
};

struct egress {
	bool internal;
	struct subnet own[OWN_MAX];
	int owns;
	struct address gateways[OWN_MAX];
	int gateway_count;
	const struct policy *policy;
	struct subnet *forbidden;
	int forbidden_count;
	struct known known[KNOWN];
};

struct egress *egress_create(void)
{
	struct egress *g = calloc(1, sizeof(*g));

	if (!g)
		abort();
	return g;
}

void egress_destroy(struct egress *g)
{
	if (!g)
		return;
	free(g->forbidden);
	free(g);
}

void egress_set_network(struct egress *g, bool internal, const struct subnet *own, int owns,
			const struct address *gateways, int gateway_count,
			const struct policy *policy)
{
	g->internal = internal;
	g->owns = owns < OWN_MAX ? owns : OWN_MAX;
	if (g->owns)
		memcpy(g->own, own, g->owns * sizeof(*own));
	g->gateway_count = gateway_count < OWN_MAX ? gateway_count : OWN_MAX;
	if (g->gateway_count)
		memcpy(g->gateways, gateways, g->gateway_count * sizeof(*gateways));
	g->policy = policy;
}

void egress_set_forbidden(struct egress *g, const struct subnet *subnets, int count)
{
	free(g->forbidden);
	g->forbidden = NULL;
	g->forbidden_count = 0;
	if (count <= 0)
		return;
	g->forbidden = calloc(count, sizeof(*subnets));
	if (!g->forbidden)
		abort();
	memcpy(g->forbidden, subnets, count * sizeof(*subnets));
	g->forbidden_count = count;
}

static int probe_socket(const struct address *address)
{
	return socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Only an address of the machine's own can be bound, and of IPv4 a broadcast one (ip(7), ipv6(7)).
 * Any other error tells nothing: closed. */
static bool can_bind(const struct address *address)
{
	AUTO_FD int fd = probe_socket(address);
	struct sockaddr_storage to;
	socklen_t size = address_to_socket(address, 0, &to);

	return fd < 0 || bind(fd, (struct sockaddr *)&to, size) == 0 || errno != EADDRNOTAVAIL;
}

/* The sysctls ip_nonlocal_bind of both families: nobody has these (RFC 1122 3.2.1.3, RFC 6666). */
static bool can_bind_any(uint8_t family)
{
	struct address nobody;

	address_parse(family == AF_INET ? "0.0.0.1" : "100::1", &nobody);
	return can_bind(&nobody);
}

/* What the kernel would choose as source towards one of its own addresses is that address, but for
 * an IPv4 network's second one: there it is the first. Nothing is sent. */
static bool is_own_source(const struct address *address)
{
	AUTO_FD int fd = probe_socket(address);
	struct sockaddr_storage to, from;
	socklen_t size = sizeof(from);
	struct address source;
	uint16_t port;

	if (fd < 0)
		return true;
	/* EACCES: a broadcast address (ip(7)). Unreachable: it is nobody's, the flow will see. */
	if (connect(fd, (struct sockaddr *)&to, address_to_socket(address, 9, &to)) < 0)
		return errno == EACCES || errno == EPERM;
	memset(&from, 0, sizeof(from));
	if (getsockname(fd, (struct sockaddr *)&from, &size) < 0 ||
	    !address_of_socket(&from, &source, &port))
		return true;
	return address_equal(&source, address);
}

static bool ask_own(const struct address *address)
{
	if (!can_bind(address))
		return false;
	return !can_bind_any(address->family) || is_own_source(address);
}

static bool is_own(struct egress *g, const struct address *address, uint64_t now_ms)
{
	struct known *k =
		&g->known[dns_name_hash(address->bytes, sizeof(address->bytes), 0) % KNOWN];

	if (k->until_ms <= now_ms || !address_equal(&k->address, address)) {
		k->address = *address;
		k->own = ask_own(address);
		k->until_ms = now_ms + KNOWN_MS;
	}
	return k->own;
}

static bool inside(const struct subnet *inner, const struct subnet *outer)
{
	return inner->address.family == outer->address.family && inner->prefix >= outer->prefix &&
	       subnet_contains(outer, &inner->address);
}

/* What the two policies say together about one address. */
struct say {
	bool denied;
	struct subnet by[2];
};

static bool opened(const struct say *say, const struct subnet *closed)
{
	int i;

	for (i = 0; i < 2; i++)
		if (say->by[i].address.family && inside(&say->by[i], closed))
			return true;
	return false;
}

static bool shut(const struct say *say, const struct subnet *closed, int count,
		 const struct address *address)
{
	int i;

	for (i = 0; i < count; i++)
		if (subnet_contains(&closed[i], address) && !opened(say, &closed[i]))
			return true;
	return false;
}

/* names_ms: addresses of names count that are good until later than this. */
static enum egress_verdict judge(struct egress *g, const struct policy *policy, uint8_t protocol,
				 const struct address *address, uint16_t port, uint64_t names_ms)
{
	struct subnet closed = { .address = *address, .prefix = 8 * address_size(address) };
	enum policy_class class;
	struct say say = { 0 };
	int i;

	for (i = 0; i < g->gateway_count; i++)
		if (address_equal(&g->gateways[i], address))
			return policy_allows_host_port(g->policy, protocol, port) ||
					       policy_allows_host_port(policy, protocol, port)
				       ? EGRESS_HOST
				       : EGRESS_REFUSE;
	if (g->internal)
		return EGRESS_REFUSE;
	say.denied = policy_decide(g->policy, protocol, address, port, names_ms, &say.by[0]) ==
			     POLICY_DENY ||
		     policy_decide(policy, protocol, address, port, names_ms, &say.by[1]) ==
			     POLICY_DENY;
	if (say.denied || shut(&say, g->own, g->owns, address) ||
	    shut(&say, g->forbidden, g->forbidden_count, address) ||
	    (is_own(g, address, time_boot_ms()) && !opened(&say, &closed)))
		return EGRESS_REFUSE;
	class = policy_class(address, &closed);
	return class == POLICY_CLASS_PUBLIC ||
			       (class == POLICY_CLASS_CLOSED && opened(&say, &closed))
		       ? EGRESS_ALLOW
		       : EGRESS_REFUSE;
}

enum egress_verdict egress_decide(struct egress *g, const struct policy *policy, uint8_t protocol,
				  const struct address *address, uint16_t port)
{
	return judge(g, policy, protocol, address, port, time_boot_ms());
}

bool egress_keeps(struct egress *g, const struct policy *policy, uint8_t protocol,
		  const struct address *address, uint16_t port)
{
	return judge(g, policy, protocol, address, port, 0) != EGRESS_REFUSE;
}
