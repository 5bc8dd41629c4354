/* former_port.h - a published port that the compose file does not say any more, of a service that
 * it still says: netd listed it. Pure.
 *
 * It stays open until the service's ports of now are there, where both can be; and it is opened
 * again if they cannot be: a slip in the file takes nothing from who runs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "oci/port_map.h"

struct arena;
struct member_ports;

struct former_port {
	struct former_port *next;
	struct member_ports *ports;	/* that it is remembered with, or NULL */
	const char *key;	/* netd's: port_key.h */
	struct port_map map;	/* one port to one */
	bool open;		/* netd has it, or was asked for it */
	bool given;		/* another service of the file has it now: never opened again */
	bool refused;		/* it cannot be had again, and the log says so */
};

/* NULL: that is no key of a port of this service. host_port: the one in force. */
struct former_port *former_port_read(const char *text, uint64_t host_port, const char *service,
				     struct arena *arena);
