/* stats.h - what a container's traffic through the gateway is counted in; one list, so that the
 * message GATE_COUNTERS, its reader and the counters themselves cannot drift.
 *
 * Plain numbers in the member's struct (gate/gate_member.h): whoever moves a packet or opens a flow
 * counts it there. `out` is from the container, `in` towards it; bytes are those of whole IP
 * packets. */
#pragma once

#include <stdint.h>

/* clang-format off */
/*        name            means */
#define STATS_LIST(X) \
	X(bytes_out,      "bytes from the container")				\
	X(bytes_in,       "bytes to the container")				\
	X(packets_out,    "packets from the container")				\
	X(packets_in,     "packets to the container")				\
	X(flows_tcp,      "TCP connections it opened")				\
	X(flows_udp,      "UDP flows it opened")				\
	X(flows_icmp,     "echo flows it opened")				\
	X(flows_open,     "flows that are open now")				\
	X(published,      "connections to its published ports")			\
	X(published_out,  "bytes from the container through published ports")	\
	X(published_in,   "bytes to the container through published ports")	\
	X(refused,        "flows refused by policy")				\
	X(limited,        "flows refused because it has too many")		\
	X(dropped,        "packets dropped: malformed, no room or over its rate") \
	X(dns_questions,  "DNS questions it asked")				\
	X(dns_forwarded,  "of these, asked of a resolver outside")		\
	X(dns_refused,    "of these, refused by policy")			\
	X(published_open, "connections to its published ports that are open now") \
	X(capture_lost,   "packets that its last capture misses: who wrote it was too slow")
/* clang-format on */

struct stats {
#define STATS_MEMBER(name, means) uint64_t name;
	STATS_LIST(STATS_MEMBER)
#undef STATS_MEMBER
};

enum {
#define STATS_COUNT(name, means) +1
	STATS_FIELDS = 0 STATS_LIST(STATS_COUNT)
#undef STATS_COUNT
};

_Static_assert(sizeof(struct stats) == STATS_FIELDS * sizeof(uint64_t),
	       "the fields of GATE_COUNTERS are read as one array");
