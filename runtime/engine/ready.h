/* ready.h - asks an HTTP address of the machine itself until it answers 200.
 *
 * One attempt at a time, over a non-blocking socket in the loop; the pause between two grows from
 * 100 ms to 1 s. There is no end to it: only the owner knows when to give up (the container went
 * away). Every minute it says that it still waits. Reads nothing but the status line. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/loop.h"

enum { READY_REQUEST_MAX = 512, READY_STATUS_MAX = 64, READY_HOST_MAX = 64, READY_PATH_MAX = 256 };

struct err;

struct ready_target {
	char host[READY_HOST_MAX];	/* an IPv4 address; "localhost" is 127.0.0.1 */
	uint16_t port;
	char path[READY_PATH_MAX];
};

/* `http://127.0.0.1:8888/api`. Pure. */
int ready_parse(const char *url, struct ready_target *target, struct err *e);
/* Of the bytes that came so far: 1 = status 200, 0 = another answer, -1 = more is needed. Pure. */
int ready_status(const char *text, size_t size_bytes);

struct ready {
	struct loop *loop;
	struct loop_source source;
	struct loop_timer timer;	/* the pause, or the end of an attempt's patience */
	struct ready_target target;
	uint64_t since_ms, pause_ms, said_ms;
	char request[READY_REQUEST_MAX];
	size_t request_bytes, sent_bytes;
	char status[READY_STATUS_MAX];
	size_t status_bytes;
	void (*on_ready)(struct ready *ready);
	void (*on_wait)(struct ready *ready, uint64_t seconds);
};

void ready_init(struct ready *ready, struct loop *loop, const struct ready_target *target,
		void (*on_ready)(struct ready *ready),
		void (*on_wait)(struct ready *ready, uint64_t seconds));
void ready_start(struct ready *ready);		/* begins anew */
void ready_stop(struct ready *ready);		/* fine when not started, and when zeroed */
