/* inbound.h - one client of a published TCP port: from accept(2) to the end of its connection.
 *
 *   accepted -> a backend (balance.h) -> a socket of its namespace (sockets.h), bound to the
 *   client's address -> connect -> relay.h
 *                          | refused, silent for CONNECT_MS: the next backend
 *                          ` none is left: the client is reset; while one of them was started a
 *                            moment ago and has not answered yet, it waits and all are asked again
 *
 * The container sees the client's own address and port. Where the port is taken there: another port
 * of the same address. A client of the machine itself (127/8, ::1), one with an address of the
 * network's own subnets, and one of a family that the container has no address of, comes as the
 * gateway. Where the kernel allows no foreign address
 * (no IP_TRANSPARENT) it is the container's own, said once in the log. */
#pragma once

#include <stdint.h>

#include "gate/address.h"
#include "gate/bulk.h"

struct carriers;
struct gate;
struct gate_member;
struct inbound;
struct pipes;
struct published;

enum { INBOUND_CONNECT_MS = 5000 };

struct inbounds {
	struct gate *g;
	struct pipes *pipes;
	struct bulk bulk;
	struct carriers *carriers;
	struct inbound *first;
	unsigned count;
	/* After each end: there is room for another one. */
	void (*on_end)(struct inbounds *all, struct published *p);
	bool told;	/* of a kernel without IP_TRANSPARENT */
};

/* Takes client_fd, nonblocking. */
void inbound_start(struct inbounds *all, struct published *p, int client_fd,
		   const struct address *client, uint16_t client_port);
/* Resets the clients of this port; NULL: all. */
void inbound_end_all(struct inbounds *all, const struct published *p);
/* Resets its connections; who was not connected yet goes on to the next backend. */
void inbound_member_leaves(struct inbounds *all, const struct gate_member *m);
