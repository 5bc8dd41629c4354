/* capture_file.h - a container's packets on their way from a gateway's pipe into a file: only whole
 * packets, no more than were asked for, and never the disk's last room.
 *
 * Waits for the disk as long as it takes, so it belongs into a process of its own (enginectl):
 * meanwhile the gateway loses packets and counts them (gate/capture.h), and nobody else waits.
 * Knows neither containers nor who asked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct capture_file;
struct err;

/* A new file in the place of an older one of that name, for its owner alone. */
struct capture_file *capture_file_create(int dir_fd, const char *name, uint64_t bytes_max,
					 struct err *e);
void capture_file_destroy(struct capture_file *c);	/* NULL is fine; the file stays */

/* Takes what the pipe holds: 1 = more may come, 0 = the writer is gone, or the file is full. -1:
 * what was written before is there, whole. */
int capture_file_take(struct capture_file *c, int pipe_fd, struct err *e);

bool capture_file_is_full(const struct capture_file *c);	/* the next packet is too much */
uint64_t capture_file_packets(const struct capture_file *c);
uint64_t capture_file_bytes(const struct capture_file *c);
