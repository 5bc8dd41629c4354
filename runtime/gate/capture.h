/* capture.h - a container's packets as a pcap stream (LINKTYPE_RAW: they start with the IP header;
 * nanosecond times).
 *
 * Owns the fd: a file, a pipe or a socket. A reader that does not keep up loses packets, never the
 * stream's order, and never holds the gateway: the fd is nonblocking and what did not fit is
 * finished before the next packet. Large segments are captured as they pass, not as they are cut on
 * the wire. draft-ietf-opsawg-pcap. The program ignores SIGPIPE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;
struct err;
struct iovec;

/* Takes the fd in any case. */
struct capture *capture_create(int fd, struct err *e);
void capture_destroy(struct capture *c); /* NULL is fine */

/* False: the reader is gone, destroy it. NULL is fine and costs nothing. */
bool capture_packet(struct capture *c, const struct iovec *parts, int count);
uint64_t capture_lost(const struct capture *c);
