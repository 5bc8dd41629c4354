/* port_map.h - which port outside leads to which one of a container, as people write it:
 *
 *     [HOST-ADDRESS:][HOST-PORT[-PORT]:]PORT[-PORT][/tcp|/udp]
 *
 *     80                     any free port        127.0.0.1::80       the same on one address
 *     8080:80                [::1]:8080:80/udp    an IPv6 address stands in brackets
 *     8000-8003:80-83        one to one           8000-8003:80        the first that is free
 *
 * Pure, and strict: a number is digits without leading zeros from 1 to 65535 (0 as the host's port:
 * any free one), an address is a number and no name. Used for compose's `ports` and `expose`, for
 * `-p`, ExposedPorts and PortBindings. SCTP is refused by name: no part of ours carries it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum {
	PORT_MAP_ADDRESS_BYTES = 46,
	PORT_MAP_TEXT_BYTES = 96,
};

struct port_map {
	char host_address[PORT_MAP_ADDRESS_BYTES];	/* normalised; "" = every address */
	uint16_t host_first, host_last;			/* 0, 0: any free one for each */
	uint16_t container_first, container_last;
	uint8_t protocol;				/* IPPROTO_TCP, IPPROTO_UDP */
};

/* One container port of it. */
struct port_map_row {
	uint16_t host_first, host_last;	/* the first of these that is free; 0, 0: any */
	uint16_t container_port;
};

int port_map_parse(const char *text, struct port_map *map, struct err *e);
/* The same from parts, as compose's long form and the API have them. "" or NULL: left out.
 * host_address: without brackets; container: with or without /PROTOCOL. */
int port_map_parse_parts(const char *host_address, const char *host, const char *container,
			 struct port_map *map, struct err *e);

unsigned port_map_count(const struct port_map *map);
struct port_map_row port_map_row(const struct port_map *map, unsigned index);	/* below count */

/* Would both listen at the same port of the machine? Not where any of several would do. */
bool port_map_collides(const struct port_map *a, const struct port_map *b);

/* The shortest text that is read as the same. Returns text. */
const char *port_map_print(const struct port_map *map, char text[PORT_MAP_TEXT_BYTES]);
