/* peer.h - the one peer of a daemon, on a listening SEQPACKET socket that its supervisor passed.
 *
 * One at a time: the next one waits in the socket's queue until this one ends. A message that is
 * not what it should be ends the connection, and so does a peer that takes no answer for 5 s: it
 * must not stop the daemon for good. What the daemon keeps stays when the peer goes. */
#pragma once

#include "lib/loop.h"

struct err;
struct msg;

struct peer {
	const char *name; /* for the log: "engined" */
	/* -1 with e filled = the connection is closed. */
	int (*on_message)(struct peer *p, struct msg *m, struct err *e);
	void (*on_change)(struct peer *p); /* peer_fd says who is there now */
	/* private */
	struct loop *loop;
	struct loop_source listener, connection;
};

/* name and callbacks are filled; the socket stays the caller's. */
int peer_listen(struct peer *p, struct loop *loop, int listen_fd, struct err *e);
int peer_fd(const struct peer *p); /* -1 = nobody */
