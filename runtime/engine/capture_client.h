/* capture_client.h - enginectl's side of a capture: asks the engine for a container's packets,
 * writes them into captures/CONTAINER@NETWORK.pcap, and says how it went.
 *
 * A process of its own, so that a slow disk holds nobody (capture_file.h); what came too fast for
 * it is missing, and its number is told. It ends when the engine says that the time is over, its
 * size is reached, the disk is nearly full, or the gateway lets go. `@` is in no name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct msg;

struct capture_wish {
	const char *container, *network;	/* network "" = the one its way out leads over */
	uint64_t seconds, bytes_max;
};

/* 0: `said` is the sentence for who asked. engine_fd, state_fd (the engine's folder) and m, to
 * work in, are the caller's. */
int capture_client_run(const struct capture_wish *wish, int engine_fd, int state_fd, struct msg *m,
		       char *said, size_t said_bytes, struct err *e);
