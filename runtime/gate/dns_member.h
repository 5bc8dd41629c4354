/* dns_member.h - a container as the DNS of its network is told of it. Everything is borrowed for
 * the call that it is given to. */
#pragma once

struct address;
struct port;

enum {
	DNS_MEMBER_ADDRESSES_MAX = 2,	/* one of each family */
};

struct dns_member {
	const char *container;		/* its key */
	const struct address *addresses;
	int address_count;
	/* Case-insensitive; several members may share one (replicas). The first is the reverse
	 * name. */
	const char *const *names;
	int name_count;
	/* Where it listens: SRV records `_PORT._tcp.NAME` and `_tcp.NAME` of its names. */
	const struct port *ports;
	int port_count;
};
