/* former_port.c - see former_port.h. */
#include "engine/former_port.h"

#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/str.h"

enum { WORD_BYTES = 24 };

struct former_port *former_port_read(const char *key, uint64_t host_port, const char *service,
				     struct arena *arena)
{
	size_t length = strlen(service);
	char host[WORD_BYTES], container[WORD_BYTES], where[PORT_MAP_ADDRESS_BYTES];
	const char *protocol, *address, *colon, *space;
	struct former_port *p;
	struct port_map map;

	if (strncmp(key, service, length) != 0 || key[length] != ' ')
		return NULL;
	protocol = key + length + 1;
	if (!str_starts(protocol, "tcp ") && !str_starts(protocol, "udp "))
		return NULL;
	address = protocol + strlen("tcp ");
	colon = strrchr(address, ':');
	space = strrchr(address, ' ');
	if (!colon || !space || space < colon || (size_t)(colon - address) >= sizeof(where))
		return NULL;
	snprintf(where, sizeof(where), "%.*s", (int)(colon - address), address);
	snprintf(host, sizeof(host), "%llu", (unsigned long long)host_port);
	snprintf(container, sizeof(container), "%.8s/%.3s", space + 1, protocol);
	if (port_map_parse_parts(where, host, container, &map, NULL) < 0 ||
	    port_map_count(&map) != 1 || !map.host_first)
		return NULL;
	p = arena_alloc(arena, sizeof(*p));
	p->key = arena_str(arena, key);
	p->map = map;
	return p;
}
