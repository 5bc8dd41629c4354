/* container_socket.h - sockets that are made inside a container's network namespace and used from
 * outside: that is how a published port reaches the container without crossing its network.
 *
 * Unbound, TCP, nonblocking. Transparent ones may be bound to any address, the client's own
 * (IP_TRANSPARENT, ip(7)); the mark brings the answer back (plug.h). They reach this container
 * alone, by its loopback device, whatever a gateway that was taken over does with them. */
#pragma once

#include <stdbool.h>

struct err;

/* count sockets into fds, all or none. family: AF_INET, AF_INET6. */
int container_sockets_make(int ns_fd, int own_ns_fd, int family, bool is_transparent, int *fds,
			   int count, struct err *e);
