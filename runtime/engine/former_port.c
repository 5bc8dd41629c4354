/* former_port.c - see former_port.h. */
#include "engine/former_port.h"

#include "engine/port_key.h"
#include "lib/arena.h"
#include "lib/str.h"

struct former_port *former_port_read(const char *text, uint64_t host_port, const char *service,
				     struct arena *arena)
{
	struct former_port *p;
	struct port_key key;

	if (!port_key_parse(text, &key) || !str_equal(key.service, service) || host_port < 1 ||
	    host_port > UINT16_MAX)
		return NULL;
	p = arena_alloc(arena, sizeof(*p));
	p->key = arena_str(arena, text);
	p->map.protocol = key.protocol;
	p->map.host_first = p->map.host_last = (uint16_t)host_port;
	p->map.container_first = p->map.container_last = key.container_port;
	str_copy(p->map.host_address, sizeof(p->map.host_address), key.host_address);
	return p;
}
