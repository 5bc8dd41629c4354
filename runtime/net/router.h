/* router.h - the kernel side of one network: a namespace that forwards between its members' veth
 * ends and the gateway's TUN devices.
 *
 *   container eth0 --veth-- vN [namespace: routes] tun0 ... tun7 -- gated
 *
 * Members share no layer 2: each has a veth of its own, a route of its own (/32, /128) and a
 * permanent neighbour entry on both sides, so ARP, neighbour discovery, router advertisements and
 * DHCP of one reach nobody, and nothing that they say is believed. A member's source addresses are
 * checked by the kernel: IPv4 by rp_filter (ip-sysctl.rst), IPv6, which has none, by one rule per
 * member (ip-rule(8)). What is for no member goes to the gateway, addresses of the subnet that
 * nobody has too: it refuses them at once, each time, which the kernel's own errors do not (five,
 * then one a second: error_cost in net/ipv4/route.c).
 *
 * Between a member and the gateway all goes by one TUN device, both ways, which a rule for this
 * member names (`from ADDRESS iif vN lookup TABLE`, table: `default dev tunM`). Such a device is a
 * ring that loses what it has no room for: whoever fills his loses his own packets, and the gateway
 * reads the others meanwhile. With more members than devices some share one. A kernel without rules
 * has tun0 alone.
 *
 * rp_filter asks the same rules for the way back (fib_validate_source in net/ipv4/fib_frontend.c
 * takes the device that a packet leaves by as the one that its answer comes in by). So what the
 * gateway writes into another device than the receiver's is dropped, and so is a source address of
 * another member: a gateway that was taken over speaks for no container of its network. IPv6 has a
 * rule for each member that says so.
 *
 * Owns: an rtnetlink socket inside the namespace, and the TUN devices. Nothing else holds the
 * namespace but gated's copies of them: with the last of them all of it is gone, devices, the
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
	ROUTER_TUNS = 8, /* as many as one message carries (lib/msg.h) */
};

struct router {
	int own_ns_fd; /* the machine's, borrowed */
	int route_fd, tun_fds[ROUTER_TUNS];
	unsigned mtu;
	struct subnet subnet4, subnet6; /* AF_UNSPEC = none */
	struct address gateway4, gateway6;
	unsigned tun_indexes[ROUTER_TUNS];
	int tun_count;
};

/* What is in r besides the fds is the caller's plan. */
int  router_create(struct router *r, struct err *e);
void router_finish(struct router *r); /* zeroed fds are fine: -1 */

/* The machine's end, with an index that is the caller's choice (unique in r); plug.h has the rest.
 */
int router_plug(struct router *r, const struct plug *p, struct err *e);
/* Both ends are gone when it returns; ones that went before are fine. */
int router_unplug(struct router *r, const struct plug *p, struct err *e);
