/* plug.h - a container's place in a network: the device in its namespace, addresses, routes, and
 * what makes published ports find the way back.
 *
 * In the container: a device (veth) with ADDRESS/PREFIX, a permanent neighbour entry for the
 * gateway, SUBNET by the gateway, and the default route when it is asked for; else one for packets
 * from this address only, so that an answer leaves where the question came in, and for IPv4 sockets
 * that are bound to the device (docker's are told nothing there). TCP by way of it ends at gated,
 * one device away, so it is not paced (congctl reno), whatever the namespace has chosen; who
 * chooses for a socket has what it chose.
 *
 * Published ports: gated connects from inside the namespace, with the client's own address as
 * source. Its sockets carry PLUG_MARK; the answering socket inherits it (tcp_fwmark_accept) and
 * so does a refusal (fwmark_reflect), and what carries it stays in the namespace: `fwmark
 * PLUG_MARK lookup 100`, table 100: `local default dev lo congctl reno`. No port and no address is
 * in the rule. What it serves on its loopback alone, a gateway that was taken over neither
 * reaches nor is: before the kernel's `lookup local`, which has priority 20 in place of 0, stand
 * `to 127.0.0.0/8 fwmark PLUG_MARK lookup 101`, table 101: `multicast default dev lo`, and
 * `to ::1 fwmark PLUG_MARK prohibit`.
 *
 * 127.0.0.11:53 is its network's gateway: docker_lane.h. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/address.h"

struct err;
struct router;

enum {
	PLUG_MARK = 0x63757667,	 /* "cuvg": no one else's by chance */
	PLUG_GROUP = 0x63757667, /* of our devices: known again after netd was killed */
	PLUG_MAC_BYTES = 6,
};

struct plug {
	int ns_fd;		  /* the container's network namespace, borrowed */
	char interface[IFNAMSIZ]; /* "eth0" */
	unsigned index;		  /* of the machine's end, unique in the router */
	unsigned tun;		  /* of the router's: its way to the gateway */
	struct address address4, address6;
	unsigned char mac[PLUG_MAC_BYTES];
	bool is_default;
	bool is_asked; /* its gateway is its name server: 127.0.0.11 leads there */
	bool keeps_client; /* answer: this kernel has rules, so sockets may be transparent */
};

/* The router's end of every pair: a link of two needs no more than one address for it. */
extern const unsigned char plug_router_mac[PLUG_MAC_BYTES];

/* 02:42 and the IPv4 address, as Docker does; without one 02:43 and the last bytes of the IPv6. */
void plug_mac_of(const struct address *address4, const struct address *address6,
		 unsigned char mac[PLUG_MAC_BYTES]);
/* "02:42:ac:12:00:02"; of one device: no group, not zero. */
bool plug_mac_parse(const char *text, unsigned char mac[PLUG_MAC_BYTES]);

/* All of it, or nothing is left. */
int plug_in(struct plug *p, struct router *r, struct err *e);
