/* docker_dns.h - where Docker's containers find their name server, whatever network they are on:
 * images and configurations have it written in (nginx: `resolver 127.0.0.11`). What goes there is
 * led to the network's gateway by netd (net/docker_lane.h), and gated answers from it. */
#pragma once

#include <netinet/in.h>

#include "lib/address.h"

enum { DOCKER_DNS_PORT = 53 };

static inline struct address docker_dns_address(void)
{
	return (struct address){ .family = AF_INET, .bytes = { 127, 0, 0, 11 } };
}
