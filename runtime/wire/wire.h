/* wire.h - every message between our programs: one list yields the numbers, the names and who may
 * send what to whom, so they cannot drift.
 *
 * Carried by lib/msg.h over AF_UNIX SEQPACKET. Fields in the order given in the comment above each
 * group. Knows nothing of what the messages do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum wire_program {
	WIRE_SVCTL, WIRE_SVD, WIRE_ENGINED, WIRE_BOXD, WIRE_NETD, WIRE_GATED, WIRE_ENGINECTL
};

/* clang-format off */
/* Networks. Each request but NET_STATS is answered by NET_DONE or NET_FAILED, in order. Addresses
 * are text ("172.18.0.2", "" = none), subnets "172.18.0.0/16", key: what the sender calls the
 * object.
 * Networks, members and listeners stay when engined's connection ends.
 * NET_CREATE   str network, u64 flags (1 internal), str subnet4, str gateway4, str subnet6, str
 *              gateway6, str policy (gate/policy.h's lines; "" = the default), u64 mtu (0 = 1500).
 *              A network that is there is changed to it; subnets only while nobody is attached
 * NET_DELETE   str network: what is attached is detached; one that is not there is fine
 * NET_ATTACH   str network, str container, str interface ("eth0"), str address4, str address6, str
 *              mac ("" = by address), u64 flags (1 default route, 2 without one: its name server
 *              all the same), str policy, u64 names, then str name each (host names and aliases;
 *              the first one is the reverse name), u64 ports, then u64 each (protocol x 65536 +
 *              port: it listens there, for SRV records); fd: its network namespace. Attached
 *              there already: names, ports and policy are changed
 * NET_DETACH   str network, str container: one that is not attached is fine
 * NET_PUBLISH  str network, str key, u64 protocol (6, 17), str host address ("" = every one, v4 and
 *              v6), u64 host port (0 = any free one), u64 container port, u64 balance (0
 *              round-robin, 1 least connections), u64 containers, then str container each; answered
 *              by NET_DONE with u64 host port. A key that is there keeps its port and
 *              its containers, and gets the balance
 * NET_BACKEND  str network, str key, str container, u64 state (0 gone, 1 serves, 2 drains, 3 ill)
 * NET_WITHDRAW str network, str key
 * NET_CAPTURE  str network, str container: answered by NET_DONE with fd: a socket that sees all
 *              packets of its network namespace (net/capture_socket.h)
 * NET_STATS    str network, str container: answered by NET_COUNTERS, whenever the gateway answers
 * NET_COUNTERS str network, str container, the u64s of wire/stats.h (struct stats_told); none =
 *              nobody knows them
 * NET_LIST     -              per network NET_NETWORK, NET_MEMBER..., NET_PORT...; then NET_DONE
 * NET_NETWORK  str network, u64 attached, str subnet4, str gateway4, str subnet6, str gateway6,
 *              u64 mtu
 * NET_MEMBER   str network, str container, str address4, str address6
 * NET_PORT     str network, str key, u64 host port
 * NET_DONE     str key (network, or the key given) [, fields of the answer]
 * NET_FAILED   str key, str sentence */
#define WIRE_NET_MESSAGES(X) \
	X(NET_CREATE,   ENGINED, NETD,    0) \
	X(NET_DELETE,   ENGINED, NETD,    0) \
	X(NET_ATTACH,   ENGINED, NETD,    1) \
	X(NET_DETACH,   ENGINED, NETD,    0) \
	X(NET_PUBLISH,  ENGINED, NETD,    0) \
	X(NET_BACKEND,  ENGINED, NETD,    0) \
	X(NET_WITHDRAW, ENGINED, NETD,    0) \
	X(NET_CAPTURE,  ENGINED, NETD,    0) \
	X(NET_STATS,    ENGINED, NETD,    0) \
	X(NET_LIST,     ENGINED, NETD,    0) \
	X(NET_COUNTERS, NETD,    ENGINED, 0) \
	X(NET_NETWORK,  NETD,    ENGINED, 0) \
	X(NET_MEMBER,   NETD,    ENGINED, 0) \
	X(NET_PORT,     NETD,    ENGINED, 0) \
	X(NET_DONE,     NETD,    ENGINED, 1) \
	X(NET_FAILED,   NETD,    ENGINED, 0)

#define WIRE_MESSAGES(X) \
	WIRE_BOX_MESSAGES(X) WIRE_NET_MESSAGES(X) WIRE_GATE_MESSAGES(X) WIRE_CONTROL_MESSAGES(X)
#include "wire/box_messages.h"
#include "wire/control_messages.h"
#include "wire/gate_messages.h"

enum wire_type {
	WIRE_NONE,	/* so that a zeroed message is none of ours */
#define WIRE_NUMBER(name, from, to, fds) WIRE_##name,
	WIRE_MESSAGES(WIRE_NUMBER)
#undef WIRE_NUMBER
	WIRE_TYPES
};
/* clang-format on */

const char *wire_name(uint32_t type); /* "BOX_START"; "unknown" for what is not in the list */
/* May `from` send this type to `to`, with this many fds? (fds in the table is the most allowed.) */
bool wire_allowed(uint32_t type, enum wire_program from, enum wire_program to, int fd_count);
