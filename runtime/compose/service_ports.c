/* service_ports.c - `ports` in both forms, and `expose`: rows of service.c's table. */
#include <string.h>

#include "compose/compose.h"
#include "compose/network.h"
#include "compose/reader.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum { PORTS_MAX = 1024 };	/* of one service, ranges counted out: a listening socket each */

/* The long form. */
struct long_port {
	const char *target, *published, *host_ip, *protocol;
};

static int read_target(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct long_port *port = r->target;

	port->target = reader_text(r, node, e);
	return port->target ? 0 : -1;
}

static int read_published(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct long_port *port = r->target;

	port->published = reader_text(r, node, e);
	return port->published ? 0 : -1;
}

static int read_host_ip(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct long_port *port = r->target;

	port->host_ip = reader_string(r, node, e);
	return port->host_ip ? 0 : -1;
}

static int read_protocol(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct long_port *port = r->target;

	port->protocol = reader_string(r, node, e);
	return port->protocol ? 0 : -1;
}

/* There is one machine: host and ingress publish alike. */
static int read_mode(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return str_equal(text, "host") || str_equal(text, "ingress") ?
		       0 :
		       reader_fail(r, node, e, "\"%.64s\" is not known: write host or ingress",
				   text);
}

/* For people and for other programs. */
static int read_word(struct reader *r, const struct yaml_node *node, struct err *e)
{
	return reader_string(r, node, e) ? 0 : -1;
}

static int read_long(struct reader *r, const struct yaml_node *node, struct port_map *map,
		     struct err *e)
{
	static const struct reader_key keys[] = {
		{ "app_protocol", read_word }, { "host_ip", read_host_ip },
		{ "mode", read_mode },	       { "name", read_word },
		{ "protocol", read_protocol }, { "published", read_published },
		{ "target", read_target },
	};
	struct compose_service *s = r->target;
	struct long_port port = { 0 };
	struct err cause;
	int status;

	r->target = &port;
	status = reader_map(r, node, keys, ARRAY_SIZE(keys), e);
	r->target = s;
	if (status < 0)
		return -1;
	if (!port.target)
		return reader_fail(r, node, e, "a port in the long form needs a target");
	if (port.protocol)
		port.target = arena_format(r->arena, "%s/%s", port.target, port.protocol);
	return port_map_parse_parts(port.host_ip, port.published, port.target, map, &cause) < 0 ?
		       reader_fail(r, node, e, "%s", cause.text) :
		       0;
}

static int read_short(struct reader *r, const struct yaml_node *node, struct port_map *map,
		      struct err *e)
{
	const char *text = reader_text(r, node, e);
	struct err cause;

	if (!text)
		return -1;
	return port_map_parse(text, map, &cause) < 0 ? reader_fail(r, node, e, "%s", cause.text) :
						       0;
}

int service_read_ports(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;
	unsigned count = 0;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	n->ports = arena_array(r->arena, yaml_count(node) + 1, sizeof(*n->ports));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		struct port_map *map = &n->ports[n->port_count];

		if ((item->kind == YAML_MAP ? read_long : read_short)(r, item, map, e) < 0)
			return -1;
		count += port_map_count(map);
		if (count > PORTS_MAX)
			return reader_fail(r, item, e, "has more than %d ports: publish fewer",
					   PORTS_MAX);
		for (size_t i = 0; i < n->port_count; i++)
			if (port_map_collides(&n->ports[i], map))
				return reader_fail(r, item, e, "port %u is published twice",
						   map->host_first);
		n->port_count++;
	}
	return 0;
}

/* Opens nothing, as with Docker: containers of one network reach every port. SRV records name them.
 */
int service_read_expose(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	n->exposed = arena_array(r->arena, yaml_count(node) + 1, sizeof(*n->exposed));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		const char *text = reader_text(r, item, e);
		struct err cause;

		if (!text)
			return -1;
		if (port_map_parse_parts(NULL, NULL, text, &n->exposed[n->exposed_count], &cause) <
		    0)
			return reader_fail(r, item, e, "%s", cause.text);
		n->exposed_count++;
	}
	return 0;
}
