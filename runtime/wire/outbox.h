/* outbox.h - messages on their way to one peer that must not be waited for.
 *
 * What the socket does not take at once is kept, with copies of its fds, and goes when it can be
 * written again. A peer that reads nothing for too long is the caller's to end: then
 * outbox_is_full says so. In order, none twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct msg;
struct outbox_item;

/* A whole network is told anew to a gateway that starts: 4096 members, ports and answers to them.
 */
enum { OUTBOX_MESSAGES_MAX = 65536 };

struct outbox {
	struct outbox_item *first, **last;
	size_t count;
	bool is_full; /* something was dropped */
};

void outbox_init(struct outbox *o);
void outbox_finish(struct outbox *o); /* drops what waits */

void outbox_add(struct outbox *o, const struct msg *m); /* fds stay the caller's */
/* Sends what goes without waiting. 1 = all, 0 = some wait, -1 = the peer is gone. */
int outbox_flush(struct outbox *o, int socket_fd, struct err *e);
