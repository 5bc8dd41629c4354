/* gate_messages.h - the rows of wire.h between netd and the gateway of one network. Included by
 * wire.h alone.
 *
 * netd is the one who knows: a gateway that was killed is started again and told everything anew.
 * Nothing here is answered but GATE_STATS; what a gateway cannot do it logs. */
#pragma once

/* clang-format off */
/* GATE_NETWORK str network, u64 flags (1 internal), str subnet4, str gateway4, str subnet6, str
 *                gateway6, str policy, u64 mtu; fds: the TUN devices, in the first
 *                one only
 * GATE_RESOLVERS u64 count, str address each                       the appliance's, tried in order
 * GATE_FORBIDDEN u64 count, str subnet each                        other networks of this machine
 * GATE_MEMBER    str container, str address4, str address6, str policy, u64 TUN device (0 = the
 *                first), u64 names, str name each, u64 ports, u64 each (as in NET_ATTACH)
 * GATE_LEAVE     str container
 * GATE_NEIGHBOUR str network, str subnet4, str subnet6: members are on that one too; only they are
 *                answered about it
 * GATE_NEIGHBOUR_GONE str network                                  with all who are there
 * GATE_PEER      str network, str container, str address4, str address6, u64 names, str name each,
 *                u64 ports, u64 each: who is on a neighbour, members of this one among them
 * GATE_PEER_LEAVE str network, str container
 * GATE_SOCKETS   str container, u64 family (AF_INET, AF_INET6); fds: sockets of its namespace,
 *                unbound, with
 *                IP_TRANSPARENT, nonblocking
 * GATE_WANT      str container, u64 family, u64 count              more of those sockets, please
 * GATE_PUBLISH   str key, u64 protocol, u64 container port, u64 balance; fd: listening (TCP) or
 *                bound (UDP); none = only the balance of one that is there
 * GATE_BACKEND   str key, str container, u64 state                 as NET_BACKEND
 * GATE_WITHDRAW  str key
 * GATE_STATS     str container
 * GATE_COUNTERS  str container, u64 x STATS_FIELDS (wire/stats.h)  answers GATE_STATS
 * GATE_READY     -                                                 it serves */
#define WIRE_GATE_MESSAGES(X) \
	X(GATE_NETWORK,   NETD,  GATED, 8) \
	X(GATE_RESOLVERS, NETD,  GATED, 0) \
	X(GATE_FORBIDDEN, NETD,  GATED, 0) \
	X(GATE_MEMBER,    NETD,  GATED, 0) \
	X(GATE_LEAVE,     NETD,  GATED, 0) \
	X(GATE_NEIGHBOUR, NETD,  GATED, 0) \
	X(GATE_NEIGHBOUR_GONE, NETD, GATED, 0) \
	X(GATE_PEER,      NETD,  GATED, 0) \
	X(GATE_PEER_LEAVE, NETD, GATED, 0) \
	X(GATE_SOCKETS,   NETD,  GATED, 8) \
	X(GATE_WANT,      GATED, NETD,  0) \
	X(GATE_PUBLISH,   NETD,  GATED, 1) \
	X(GATE_BACKEND,   NETD,  GATED, 0) \
	X(GATE_WITHDRAW,  NETD,  GATED, 0) \
	X(GATE_STATS,     NETD,  GATED, 0) \
	X(GATE_COUNTERS,  GATED, NETD,  0) \
	X(GATE_READY,     GATED, NETD,  0)
