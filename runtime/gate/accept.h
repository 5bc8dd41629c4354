/* accept.h - the published TCP ports: takes their clients in and hands each to inbound.h.
 *
 * A port with nobody behind it is not served, nor one with a quarter of all the clients that there
 * is room for, nor any when CLIENTS_MAX are here: clients wait in the backlog of the socket, which
 * netd holds too, as they do while this process is away.
 * So a replacement, of a container or of us, refuses nobody. A withdrawn port's connections end.
 * A part of gate.h; owns all connections. */
#pragma once

struct accept;
struct carriers;
struct gate;
struct gate_part;

enum { CLIENTS_MAX = 16384 };	/* x ~400 bytes and 2 fds */

/* And adds itself to it, behind the part that sets rates. The carriers outlive it. */
struct accept *accept_create(struct gate *g, struct carriers *carriers);
void accept_destroy(struct accept *a);		/* NULL is fine; after the gate */
