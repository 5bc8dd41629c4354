/* port.h - where a container listens, as its network is told of it. */
#pragma once

#include <stdint.h>

struct port {
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t number;
};
