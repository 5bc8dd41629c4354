/* stats.h - what a container's traffic through the gateway is counted in; one list, so that the
 * message GATE_COUNTERS, its reader and the counters themselves cannot drift.
 *
 * Plain numbers in the member's struct (gate/gate_member.h): whoever moves a packet or opens a flow
 * counts it there. `out` is from the container, `in` towards it; bytes are those of whole IP
 * packets, but through published TCP ports those of the streams.
 *
 * A second list has what the kernel counts at the container's device, in whole frames, what passes
 * between two containers among it; netd puts it in front of the first one (NET_COUNTERS). Streams
 * of published TCP ports end inside the container and pass no device: all that a container has
 * received is device_bytes_in + published_in, all that it has sent device_bytes_out +
 * published_out. */
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
	X(published_refused, "attempts at its published ports that it did not take")

#define STATS_DEVICE_LIST(X) \
	X(device_bytes_out,   "bytes that its device sent")			\
	X(device_bytes_in,    "bytes that its device received")			\
	X(device_packets_out, "packets that its device sent")			\
	X(device_packets_in,  "packets that its device received")		\
	X(device_dropped_out, "packets that were lost on the way out of its device") \
	X(device_dropped_in,  "packets that were lost on the way into its device")
/* clang-format on */

struct stats {
#define STATS_MEMBER(name, means) uint64_t name;
	STATS_LIST(STATS_MEMBER)
};

struct stats_device {
	STATS_DEVICE_LIST(STATS_MEMBER)
#undef STATS_MEMBER
};

/* What NET_COUNTERS says. */
struct stats_told {
	struct stats_device device;
	struct stats gate;
};

enum {
#define STATS_COUNT(name, means) +1
	STATS_FIELDS = 0 STATS_LIST(STATS_COUNT),
	STATS_DEVICE_FIELDS = 0 STATS_DEVICE_LIST(STATS_COUNT),
	STATS_TOLD_FIELDS = STATS_DEVICE_FIELDS + STATS_FIELDS,
#undef STATS_COUNT
};

_Static_assert(sizeof(struct stats) == STATS_FIELDS * sizeof(uint64_t) &&
		       sizeof(struct stats_told) == STATS_TOLD_FIELDS * sizeof(uint64_t),
	       "the fields of GATE_COUNTERS and NET_COUNTERS are written and read as one array");
