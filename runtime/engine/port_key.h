/* port_key.h - what the engine calls a published port, towards netd and in its documents: the words
 * of the compose file, whatever number comes of them.
 *
 *     web tcp 127.0.0.1:8080-8090 80    service, protocol, address and ports outside, port inside
 *     web udp :0-0 53                   any free port at every address
 *
 * Pure. A key that is read is foreign: it has one spelling, that in which it is printed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/document.h"
#include "oci/port_map.h"

enum { PORT_KEY_BYTES = DOCUMENT_KEY_BYTES };

struct port_key {
	char service[DOCUMENT_NAME_BYTES];
	uint8_t protocol;				/* IPPROTO_TCP, IPPROTO_UDP */
	char host_address[PORT_MAP_ADDRESS_BYTES];	/* normalised; "" = every address */
	uint16_t host_first, host_last;			/* 0, 0: any free one */
	uint16_t container_port;
};

bool port_key_parse(const char *text, struct port_key *key);
void port_key_print(const struct port_key *key, char text[PORT_KEY_BYTES]);
