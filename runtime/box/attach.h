/* attach.h - the clients that watch a container's output and feed its input: any number at a time.
 *
 * A client is a stream connection. Output goes to it as the Docker Engine API has it ("Attach to a
 * container", stream format): raw for a terminal, else frames of an 8-byte head (stream, 0, 0, 0,
 * size big-endian) and the bytes, so that whoever took the HTTP request hands the connection over
 * and may die. What a client sends is the container's input; the end of its sending closes the
 * input when that was asked for.
 *
 * Owns: the clients' fds and buffers, and the input's fd. Each client has ATTACH_BUFFER_BYTES. When
 * one has no room, attach_has_room says no and its caller stops reading the container: the
 * container waits for its readers as for any pipe. But a client that takes nothing for
 * ATTACH_STALL_MS is cut off, so none can stop a container for good. Knows no log and no process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct attach;
struct err;
struct loop;

enum { ATTACH_STDIN = 1, ATTACH_STDOUT = 2, ATTACH_STDERR = 4, ATTACH_ALL = 7 };
enum {
	ATTACH_CLIENTS_MAX = 64,	/* x 64 KiB, only while they are there */
	ATTACH_BUFFER_BYTES = 65536,
	ATTACH_STALL_MS = 2000,
	ATTACH_PUT_MAX = 16384,		/* of one attach_put */
};

struct attach_config {
	bool framed;			/* no terminal: frames */
	int input_fd;			/* -1 = none; owned from here on */
	bool input_once;		/* the end of a client's sending closes the input */
	void (*on_room)(void *ctx);	/* there is room again after attach_has_room said no */
	void *ctx;
};

struct attach *attach_create(struct loop *loop, const struct attach_config *config);
void attach_destroy(struct attach *a);	/* NULL is fine */

/* streams: ATTACH_* of what the client wants. Takes client_fd, also when it fails. */
int attach_add(struct attach *a, int client_fd, unsigned streams, struct err *e);

bool attach_has_room(struct attach *a);	/* for ATTACH_PUT_MAX bytes at every client */
/* stream: ATTACH_STDOUT or ATTACH_STDERR; at most ATTACH_PUT_MAX bytes, after attach_has_room. */
void attach_put(struct attach *a, unsigned stream, const void *data, size_t size_bytes);

/* Nothing more comes: each client is closed when it has taken what is buffered, or has stalled.
 * True when none is left; else on_room is called when that is so. */
bool attach_finish(struct attach *a);
