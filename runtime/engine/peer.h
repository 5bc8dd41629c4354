/* peer.h - the engine's side of a connection to another program of ours: made from the loop, and
 * again whenever that program went away. Nothing is kept for a lost connection.
 *
 * Embedded in who speaks to the program (boxd.c, netd.c). Knows no message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "lib/loop.h"
#include "lib/msg.h"

struct err;

struct peer {
	const char *name;		/* "boxd": for messages */
	struct loop *loop;
	struct loop_source source;
	struct loop_timer retry;
	uint64_t retry_ms;
	struct sockaddr_un address;
	struct msg in, out;
	void (*connected)(struct peer *peer);
	void (*lost)(struct peer *peer);
	/* -1: the connection ends. The message is finished afterwards. */
	int (*message)(struct peer *peer, struct msg *m, struct err *e);
};

/* name, connected, lost and message are filled in; the rest is zeroed. */
void peer_init(struct peer *peer, struct loop *loop, const char *socket_path);
void peer_finish(struct peer *peer);
void peer_connect(struct peer *peer);	/* now, and from then on by itself */
bool peer_is_there(const struct peer *peer);
/* peer->out. What is not taken now is lost and the connection ends, but for a message that is too
 * large: that one would fail again for ever. */
int peer_send(struct peer *peer, struct err *e);
