/* policy_line.h - one line of a policy: what may leave a network, as text between programs.
 *
 *     allow CIDR|NAME [PORT[-PORT]] [tcp|udp|icmp]
 *     deny  CIDR|NAME [PORT[-PORT]] [tcp|udp|icmp]
 *     allow-host PORT[-PORT] [tcp|udp]
 *     rate BITS_PER_S                 10k, 5m, 1g: x 1000
 *     dns-log
 *     dns-allowed-only
 *     resolver ADDRESS
 * `*` is any address, `*.` in front of a NAME every name below it, `#` starts a comment. Read by
 * who is told the line by people (compose, with its place in the file) and by who obeys it
 * (gate/policy.h, which says what the lines mean). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"

struct err;

enum {
	POLICY_LINE_BYTES = 512,
	POLICY_LINE_NAME_BYTES = 256,	/* RFC 1035 2.3.4, as text */
};

enum policy_line_word {
	POLICY_LINE_NOTHING,	/* blank, or a comment */
	POLICY_LINE_ALLOW,
	POLICY_LINE_DENY,
	POLICY_LINE_ALLOW_HOST,
	POLICY_LINE_RATE,
	POLICY_LINE_DNS_LOG,
	POLICY_LINE_DNS_ALLOWED_ONLY,
	POLICY_LINE_RESOLVER,
};

enum policy_line_where { POLICY_LINE_SUBNET, POLICY_LINE_ANY, POLICY_LINE_NAME };

struct policy_line {
	enum policy_line_word word;
	enum policy_line_where where;
	struct subnet subnet;
	char name[POLICY_LINE_NAME_BYTES];	/* without `*.` */
	bool below;				/* `*.` */
	uint8_t protocol;			/* IPPROTO_*, 0 = all */
	uint16_t port, port_last;		/* 0-65535: all */
	uint64_t rate_bits;
	struct address resolver;
};

int policy_line_read(const char *text, size_t size_bytes, struct policy_line *line, struct err *e);
