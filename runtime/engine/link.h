/* link.h - the engine's side of a connection to another program of ours: made from the loop, and
 * again whenever that program went away. Nothing is kept for a lost connection.
 *
 * Embedded in who speaks to the program (boxd.c, netd.c). Knows no message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "lib/loop.h"
#include "lib/msg.h"
#include "wire/outbox.h"

struct err;

struct link {
	const char *name;		/* "boxd": for messages */
	struct loop *loop;
	struct loop_source source;
	struct loop_timer retry;
	uint64_t retry_ms;
	struct sockaddr_un address;
	struct msg in, out;
	struct outbox outbox;		/* a service may have a thousand ports to tell of at once */
	void (*connected)(struct link *link);
	void (*lost)(struct link *link);
	/* -1: the connection ends. The message is finished afterwards. */
	int (*message)(struct link *link, struct msg *m, struct err *e);
};

/* name, connected, lost and message are filled in; the rest is zeroed. */
void link_init(struct link *link, struct loop *loop, const char *socket_path);
void link_finish(struct link *link);
void link_connect(struct link *link);	/* now, and from then on by itself */
bool link_is_there(const struct link *link);
/* link->out, when the program takes it. -1: it is lost and the connection ends, but for a message
 * that is too large: that one would fail again for ever. */
int link_send(struct link *link, struct err *e);
