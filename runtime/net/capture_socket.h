/* capture_socket.h - a socket that sees every packet of a container's network namespace: what comes
 * and goes through its devices, and what it says to itself through its loopback, once each.
 *
 * Made inside, used from outside, by who writes the packets down: nobody here reads one. They begin
 * with their network header; the rest stands in their address (packet(7)). Each has its time
 * (SO_TIMESTAMPNS). A reader that does not keep up loses packets, which the kernel counts
 * (PACKET_STATISTICS), and holds nobody. The namespace lives as long as the socket.
 *
 * While one is open, Linux 6.12 offers it the packets of every namespace before it looks whose they
 * are: a little of everybody's time. One for each device would not, and mix up their order. */
#pragma once

struct err;

/* Nonblocking; the caller's. Takes CAP_NET_RAW in the namespace's user namespace. */
int capture_socket_make(int ns_fd, int own_ns_fd, struct err *e);
