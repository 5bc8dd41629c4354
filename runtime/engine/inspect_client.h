/* inspect_client.h - one connection of the administrator's, shared by inspect.c (requests,
 * counters) and inspect_capture.c. Private to inspect*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/document.h"
#include "engine/inspect.h"
#include "lib/loop.h"
#include "lib/msg.h"

enum inspect_asks {
	INSPECT_NOTHING,
	INSPECT_STATS,
	INSPECT_SOCKET,		/* for a capture */
	INSPECT_CAPTURE,
};

struct inspect_client {
	struct inspect *inspect;
	struct loop_source source;	/* fd -1: nobody is here */
	struct loop_timer patience;
	enum inspect_asks asks;
	char container[DOCUMENT_NAME_BYTES];	/* "" = all */
	/* stats */
	size_t at, network_at;		/* the container and the network that are asked about */
	bool has_usage;			/* of this container: the networks come next */
	size_t lines;			/* said */
	/* capture */
	uint64_t seconds;
	unsigned awaited;		/* answers of netd, of clients before at this place too */
};

struct inspect {
	struct inspect_setup setup;
	struct loop_source listener;
	struct inspect_client clients[INSPECT_CLIENTS_MAX];
	struct msg in, out;
};

void inspect_client_close(struct inspect_client *c);
void inspect_client_say(struct inspect_client *c, uint32_t type, const char *text);
void inspect_client_fail(struct inspect_client *c, const char *sentence);

/* inspect_capture.c */
int inspect_capture_begin(struct inspect_client *c, struct msg *m, struct err *e);
void inspect_capture_is_late(struct inspect_client *c);
void inspect_capture_netd_is_gone(struct inspect *i);	/* NULL is fine */
void inspect_capture_stop(struct inspect_client *c);	/* fine when there is none */
