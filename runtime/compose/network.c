/* network.c - see network.h: the top-level key `networks`. */
#include "compose/network.h"

#include <stdio.h>
#include <string.h>

#include "compose/compose.h"
#include "compose/reader.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum { MTU_MIN = 68, MTU_MAX = 65535 }; /* RFC 791; the kernel's largest for a veth */

static int read_driver(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const char *const names[] = {
		[COMPOSE_DRIVER_BRIDGE] = "bridge",
		[COMPOSE_DRIVER_HOST] = "host",
		[COMPOSE_DRIVER_NONE] = "none",
	};
	struct compose_network *n = r->target;
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(text, names[i])) {
			n->driver = (enum compose_network_driver)i;
			return 0;
		}
	}
	return reader_fail(r, node, e, "\"%.64s\" is not known: write bridge, host or none", text);
}

static int read_internal(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_network *n = r->target;

	return reader_bool(r, node, &n->internal, e);
}

static int read_enable_ipv6(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_network *n = r->target;

	if (reader_bool(r, node, &n->ipv6, e) < 0)
		return -1;
	n->no_ipv6 = !n->ipv6;
	return 0;
}

/* Every network here is one that whoever is asked for may join. */
static int read_attachable(struct reader *r, const struct yaml_node *node, struct err *e)
{
	bool ignored;

	return reader_bool(r, node, &ignored, e);
}

static int read_enable_ipv4(struct reader *r, const struct yaml_node *node, struct err *e)
{
	bool wanted;

	if (reader_bool(r, node, &wanted, e) < 0)
		return -1;
	return wanted ? 0 : reader_fail(r, node, e, "a network without IPv4 is not supported yet");
}

static int read_external(struct reader *r, const struct yaml_node *node, struct err *e)
{
	bool external;

	if (reader_bool(r, node, &external, e) < 0)
		return -1;
	return external ? reader_fail(r, node, e,
				      "there are no networks here but those of this file: take it "
				      "out, and the network is made") :
			  0;
}

static int read_name(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_network *n = r->target;

	n->name = reader_string(r, node, e);
	if (!n->name)
		return -1;
	return str_is_name(n->name) ? 0 :
				      reader_fail(r, node, e,
						  "\"%.64s\" is not a network name: letters, "
						  "digits, - _ .",
						  n->name);
}

static int read_labels(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const struct yaml_node *at = node->first;
	struct reader_pair pair;
	bool failed = false;

	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map or a list, not %s",
				   yaml_kind_name(node->kind));
	while (reader_next_pair(r, node, &at, &pair, &failed, e))
		if (!*pair.key)
			return reader_fail(r, pair.node, e, "a label without a name");
	return failed ? -1 : 0;
}

static int read_mtu(struct reader *r, const struct yaml_node *node, const char *value,
		    struct compose_network *n, struct err *e)
{
	if (!str_to_u32(value, &n->mtu) || n->mtu < MTU_MIN || n->mtu > MTU_MAX)
		return reader_fail(r, node, e, "must be a number from %d to %d", MTU_MIN, MTU_MAX);
	return 0;
}

static int read_driver_opts(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_network *n = r->target;

	if (node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map, not %s", yaml_kind_name(node->kind));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		const char *value = reader_text(r, item, e);
		int taken;

		if (!value)
			return -1;
		if (str_equal(item->key, "com.docker.network.driver.mtu"))
			taken = read_mtu(r, item, value, n, e) < 0 ? -1 : 1;
		else
			taken = network_read_option(r, item, item->key, value, &n->policy, e);
		if (taken < 0)
			return -1;
		if (taken == 0)
			return reader_fail(r, item, e,
					   "is not known: known are cuvette.egress, cuvette.rate, "
					   "cuvette.dns-log, cuvette.dns-allowed-only and "
					   "com.docker.network.driver.mtu");
	}
	return 0;
}

/* One entry of ipam.config. */
struct pool {
	struct subnet subnet, range;
	struct address gateway;
};

static int read_pool_subnet(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct pool *pool = r->target;
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	/* The smallest ones that hold a gateway and a container. */
	if (!strchr(text, '/') || !subnet_parse(text, &pool->subnet) || pool->subnet.prefix < 8 ||
	    pool->subnet.prefix > address_size(&pool->subnet.address) * 8 - 2)
		return reader_fail(
			r, node, e,
			"\"%.64s\" is not a subnet of 4 to 2^24 addresses with host bits "
			"zero: write 172.28.0.0/16 or fd00:1::/64",
			text);
	return 0;
}

static int read_pool_range(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct pool *pool = r->target;
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return subnet_parse(text, &pool->range) ?
		       0 :
		       reader_fail(r, node, e, "\"%.64s\" is not a range: write 172.28.5.0/24",
				   text);
}

static int read_pool_gateway(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct pool *pool = r->target;
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return address_parse(text, &pool->gateway) ?
		       0 :
		       reader_fail(r, node, e, "\"%.64s\" is not an address", text);
}

static int check_pool(const struct reader *r, const struct yaml_node *node, const struct pool *pool,
		      struct err *e)
{
	if (!pool->subnet.address.family)
		return reader_fail(r, node, e, "needs the key subnet");
	if (subnet_is_reserved(&pool->subnet))
		return reader_fail(
			r, node, e,
			"the subnet lies where no network can be: take one of 10.0.0.0/8, "
			"172.16.0.0/12, 192.168.0.0/16 or fd00::/8");
	if (pool->range.address.family && (pool->range.prefix < pool->subnet.prefix ||
					   !subnet_contains(&pool->subnet, &pool->range.address)))
		return reader_fail(r, node, e, "ip_range is not inside of subnet");
	if (!pool->gateway.family)
		return 0;
	if (!subnet_contains(&pool->subnet, &pool->gateway) ||
	    !subnet_is_host(&pool->subnet, &pool->gateway))
		return reader_fail(r, node, e, "gateway is not an address of a machine in subnet");
	return 0;
}

static int read_pool(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "aux_addresses", NULL },
		{ "gateway", read_pool_gateway },
		{ "ip_range", read_pool_range },
		{ "subnet", read_pool_subnet },
	};
	struct compose_network *n = r->target;
	struct pool pool = { 0 };
	int status;

	r->target = &pool;
	status = reader_map(r, node, keys, ARRAY_SIZE(keys), e);
	r->target = n;
	if (status < 0 || check_pool(r, node, &pool, e) < 0)
		return -1;
	if (pool.subnet.address.family == AF_INET ? n->subnet4.address.family :
						    n->subnet6.address.family)
		return reader_fail(r, node, e, "a network has one subnet of IPv4 and one of IPv6");
	if (pool.subnet.address.family == AF_INET) {
		n->subnet4 = pool.subnet;
		n->range4 = pool.range;
		n->gateway4 = pool.gateway;
	} else {
		n->subnet6 = pool.subnet;
		n->range6 = pool.range;
		n->gateway6 = pool.gateway;
	}
	return 0;
}

static int read_ipam_config(struct reader *r, const struct yaml_node *node, struct err *e)
{
	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	for (const struct yaml_node *item = node->first; item; item = item->next)
		if (read_pool(r, item, e) < 0)
			return -1;
	return 0;
}

static int read_ipam_driver(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return str_equal(text, "default") ?
		       0 :
		       reader_fail(r, node, e, "\"%.64s\" is not known: write default", text);
}

static int read_ipam(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "config", read_ipam_config },
		{ "driver", read_ipam_driver },
		{ "options", NULL },
	};

	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}

static int read_network(struct reader *r, const struct yaml_node *node, struct compose_network *n,
			struct err *e)
{
	static const struct reader_key keys[] = {
		{ "attachable", read_attachable }, { "driver", read_driver },
		{ "driver_opts", read_driver_opts }, { "enable_ipv4", read_enable_ipv4 },
		{ "enable_ipv6", read_enable_ipv6 }, { "external", read_external },
		{ "internal", read_internal },	     { "ipam", read_ipam },
		{ "labels", read_labels },	     { "name", read_name },
	};

	*n = (struct compose_network){
		.key = node->key, .name = node->key, .line = node->line, .policy = ""
	};
	if (!str_is_name(node->key))
		return err_set(e, "%s:%u: \"%.64s\" is not a network name: letters, digits, - _ .",
			       r->file, node->line, node->key);
	if (node->kind == YAML_NULL)
		return 0;
	r->target = n;
	snprintf(r->where, sizeof(r->where), "network %s", node->key);
	if (reader_map(r, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	if (n->no_ipv6 && n->subnet6.address.family)
		return reader_fail(r, node, e, "an IPv6 subnet and enable_ipv6: false");
	if (n->driver != COMPOSE_DRIVER_BRIDGE &&
	    (n->internal || n->subnet4.address.family || n->subnet6.address.family || *n->policy))
		return reader_fail(r, node, e,
				   "driver host and none have no subnet, no policy and are not "
				   "internal");
	r->where[0] = '\0';
	return 0;
}

int network_read_all(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_project *p = r->target;
	int status = 0;

	if (node->kind == YAML_NULL)
		return 0;
	if (node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map, not %s", yaml_kind_name(node->kind));
	/* Two more: default and bridge. */
	p->networks = arena_array(r->arena, yaml_count(node) + 2, sizeof(*p->networks));
	for (const struct yaml_node *item = node->first; item && status == 0; item = item->next)
		status = read_network(r, item, &p->networks[p->network_count++], e);
	r->target = p;
	return status;
}
