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
/* A gateway has the same socket, and may have set what each client's connection inherits: that is
 * put back here. False: or it has shut it down, or may have, then it has to be opened anew. */
bool listener_put_back(int fd, int protocol);
