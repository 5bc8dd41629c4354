/* listener.h - the socket of one published port in the machine's own network.
 *
 * netd keeps it open while its gateway ends and starts again: clients wait in its queue. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

/* protocol: IPPROTO_TCP listens, IPPROTO_UDP is bound. address: "" = every one of both families.
 * *port: 0 = any free one; what it became comes back. */
int listener_open(int protocol, const char *address, uint16_t *port, struct err *e);
/* A gateway has the same socket, and may have shut it down or given it a peer: false, then it has
 * to be opened anew. */
bool listener_is_good(int fd, int protocol);
