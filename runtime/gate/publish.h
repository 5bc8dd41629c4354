/* publish.h - the published ports of one network: a socket outside, the members behind it.
 *
 * Owns: the socket (held by netd too, so clients can wait in its backlog while we are away). Who of
 * the members gets a connection or a flow is balance.h's; TCP is served by accept.c, UDP by udp.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/balance.h"
#include "lib/loop.h"

struct err;
struct gate_member;

enum {
	PUBLISHED_MAX = 16384,		/* ranges are one port each */
	PUBLISHED_KEY_BYTES = 128,
};

struct published {
	char key[PUBLISHED_KEY_BYTES];
	uint8_t protocol;		/* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t container_port;
	int fd;				/* listening or bound, nonblocking */
	struct balance balance;		/* entries[i] is members[i], NULL when gone */
	struct gate_member **members;
	struct loop_source source;	/* of the part that serves it */
	void *state;			/* of that part; NULL at first */
	unsigned clients;		/* that inbound.c has of it */
	struct published *next;
};

enum { PUBLISHED_BUCKETS = 1024 };

struct publications {
	struct published *by_key[PUBLISHED_BUCKETS];
	unsigned count;
	uint32_t seed;
};

struct published *publish_by_key(const struct publications *ps, const char *key);
/* NULL is before the first and after the last one. */
struct published *publish_next(const struct publications *ps, const struct published *p);
/* Takes *fd. One with this key gets the new socket and settings and keeps its backends. */
struct published *publish_add(struct publications *ps, const char *key, uint8_t protocol,
			      uint16_t container_port, enum balance_mode mode, int *fd,
			      struct err *e);
int publish_set_backend(struct published *p, struct gate_member *m, enum balance_state state,
			struct err *e);
bool publish_forget_member(struct published *p, const struct gate_member *m); /* was it one? */
bool publish_has_backend(const struct published *p);	/* one that is not gone */
void publish_remove(struct publications *ps, struct published *p);	/* closes the socket */

/* Who gets the next connection or flow: balance_pick's number, counted as active until
 * publish_done; -1 = nobody is left. p->members[number] is the container. */
int publish_pick(struct published *p, const struct balance_tried *tried, uint64_t now_ms);
void publish_done(struct published *p, int number);
/* It drains, is ill or gone, and another one serves: without a connection nothing keeps a client
 * there. */
bool publish_moves_on(const struct published *p, int number);
