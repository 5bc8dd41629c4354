/* routes.h - which subnets this machine is in or leads to by itself, as its kernel tells it:
 * /proc/net/route and /proc/net/ipv6_route (proc_net(5)). Pure: text in. */
#pragma once

#include <stddef.h>

struct subnet;

enum { ROUTES_MAX = 256, ROUTES_BYTES_MAX = 65536 };

/* Appends to subnets what the text has, default routes left out; returns the new count, at most
 * ROUTES_MAX. A line that is not understood is passed over. */
size_t routes_read4(const char *text, struct subnet *subnets, size_t count);
size_t routes_read6(const char *text, struct subnet *subnets, size_t count);
