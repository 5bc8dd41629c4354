/* capture_file.h - a container's packets on their way from a packet socket into a pcap file: only
 * whole packets, no more than were asked for, and never the disk's last room.
 *
 * The packets are copied and not looked into: what the file says of them besides (interface,
 * direction, time) is the kernel's word (net/capture_socket.h). One that the kernel has yet to cut
 * for the wire is one packet here, as tcpdump(1) shows it. LINKTYPE_LINUX_SLL2, nanoseconds.
 * Waits for the disk as long as it takes, so it belongs into a process of its own (enginectl):
 * meanwhile the kernel drops packets and counts them, and nobody else waits.
 * Knows neither containers nor who asked. draft-ietf-opsawg-pcap, packet(7). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct capture_file;
struct err;

/* A new file in the place of an older one of that name, for its owner alone. NULL: there is
 * no new one. */
struct capture_file *capture_file_create(int dir_fd, const char *name, uint64_t bytes_max,
					 struct err *e);
void capture_file_destroy(struct capture_file *c);	/* NULL is fine; the file stays */

/* Takes what waits at the socket, BUFFER_BYTES of it at most. -1: what was written before is there,
 * whole. */
int capture_file_take(struct capture_file *c, int packet_fd, struct err *e);

bool capture_file_is_full(const struct capture_file *c);	/* the next packet was too much */
uint64_t capture_file_packets(const struct capture_file *c);
uint64_t capture_file_bytes(const struct capture_file *c);
