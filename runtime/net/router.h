/* router.h - the kernel side of one network: a namespace that forwards between its members' veth
 * ends and the gateway's TUN device.
 *
 *   container eth0 --veth-- vN [namespace: routes] tun0 -- gated
 *
 * Members share no layer 2: each has a veth of its own, a route of its own (/32, /128) and a
 * permanent neighbour entry on both sides, so ARP, neighbour discovery, router advertisements and
 * DHCP of one reach nobody, and nothing that they say is believed. A member's source addresses are
 * checked by the kernel: IPv4 by rp_filter (ip-sysctl.rst), IPv6, which has none, by one rule per
 * member (ip-rule(8)). What is for no member goes to the gateway, addresses of the subnet that
 * nobody has too: it refuses them at once, each time, which the kernel's own errors do not (five,
 * then one a second: error_cost in net/ipv4/route.c).
 *
 * Owns: an rtnetlink socket inside the namespace, and the TUN device. Nothing else holds the
 * namespace but gated's copy of the device: with the last of them all of it is gone, devices, the
 * containers' ends of them, routes. Knows nothing of names, ports and processes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/address.h"

struct err;
struct plug;

enum {
	ROUTER_MTU_MIN = 68, /* RFC 791 */
	ROUTER_MTU_MIN6 = 1280, /* RFC 8200 section 5 */
	ROUTER_MTU_MAX = 65535,
	ROUTER_MTU = 1500,
};

struct router {
	int own_ns_fd; /* the machine's, borrowed */
	int route_fd, tun_fd;
	unsigned mtu;
	struct subnet subnet4, subnet6; /* AF_UNSPEC = none */
	struct address gateway4, gateway6;
	unsigned tun_index;
};

/* What is in r besides the fds is the caller's plan. */
int  router_create(struct router *r, struct err *e);
void router_finish(struct router *r); /* zeroed fds are fine: -1 */

/* The machine's end, with an index that is the caller's choice (unique in r); plug.h has the rest.
 */
int router_plug(struct router *r, const struct plug *p, struct err *e);
/* Both ends are gone when it returns; ones that went before are fine. */
int router_unplug(struct router *r, const struct plug *p, struct err *e);
