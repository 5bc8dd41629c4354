/* resolv_conf.h - the name servers in a resolv.conf(5), which the DHCP client writes with what a
 * stranger's server said. Pure; what is no address is left out, everything else is ignored. */
#pragma once

#include <stddef.h>

#include "lib/address.h"

enum { RESOLV_CONF_SERVERS_MAX = 8, RESOLV_CONF_BYTES_MAX = 65536 };

struct resolv_conf {
	struct address servers[RESOLV_CONF_SERVERS_MAX];
	size_t count;
};

void resolv_conf_parse(const char *text, size_t size_bytes, struct resolv_conf *r);
