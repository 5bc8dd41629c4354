/* capture_client.h - enginectl's side of a capture: asks the engine for a container's packets,
 * writes them into captures/CONTAINER.pcap, and says how it went.
 *
 * A process of its own, so that a slow disk holds nobody (capture_file.h); what came too fast for
 * it is missing, and its number is told. It ends when the engine says so (the time is over, the
 * container has ended) or is gone, who asked has enough, its size is reached, or the disk is nearly
 * full. It needs neither netd nor a gateway any more: either may end and come back meanwhile. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct msg;

struct capture_wish {
	const char *container;
	uint64_t seconds, bytes_max;
	const char *state_path;	/* what people call the engine's folder */
	int stop_fd;		/* readable: who asked has enough. The caller's */
};

/* 0: `said` is the sentence for who asked. engine_fd, state_fd (the engine's folder) and m, to
 * work in, are the caller's. */
int capture_client_run(const struct capture_wish *wish, int engine_fd, int state_fd, struct msg *m,
		       char *said, size_t said_bytes, struct err *e);
