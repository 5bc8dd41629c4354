/* exposed.c - see exposed.h. */
#include "engine/exposed.h"

#include "compose/network.h"
#include "engine/image.h"
#include "oci/port_map.h"

static void add(struct exposed *x, uint64_t port)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->ports[i] == port)
			return;
	if (x->count < MEMBER_PORTS_MAX)
		x->ports[x->count++] = port;
}

static void add_all(struct exposed *x, const struct port_map *maps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (uint64_t port = maps[i].container_first;
		     port <= maps[i].container_last && x->count < MEMBER_PORTS_MAX; port++)
			add(x, (uint64_t)maps[i].protocol << 16 | port);
}

void exposed_collect(struct exposed *x, const struct compose_service_network *n,
		     const struct image *image)
{
	x->count = 0;
	add_all(x, n->ports, n->port_count);
	add_all(x, n->exposed, n->exposed_count);
	add_all(x, image->exposed, image->exposed_count);
}
