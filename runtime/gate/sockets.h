/* sockets.h - unbound TCP sockets of one container's network namespace, there before they are
 * needed.
 *
 * Only netd can make them; each connection uses one up. Below SOCKETS_LOW more are asked for, and
 * who finds none waits in line. Owned by the member; nothing is asked for until the first call. */
#pragma once

#include <stdint.h>

struct gate;
struct gate_member;
struct gate_sockets;
struct sockets_wait;

enum {
	SOCKETS_LOW = 16,	/* of one family; netd refills in messages of 8 */
	SOCKETS_MAX = 64,	/* netd gives so many at once; x ~2 KiB of kernel memory */
};

struct sockets_wait {
	/* There is one now: sockets_take. Removed from the line before. */
	void (*on_socket)(struct sockets_wait *wait);
	struct gate_sockets *sockets;	/* private; NULL when not in line */
	uint8_t family;
	struct sockets_wait *next;
};

/* The caller's, or -1: none is there now. */
int sockets_take(struct gate *g, struct gate_member *m, uint8_t family);
/* The member becomes a backend: the first ones are asked for. */
void sockets_prepare(struct gate *g, struct gate_member *m);
/* In line for the next one. */
void sockets_wait_add(struct gate_member *m, uint8_t family, struct sockets_wait *wait);
void sockets_wait_off(struct sockets_wait *wait);	/* fine when not in line */

/* Takes *fd: one of them has come. */
void sockets_add(struct gate_member *m, uint8_t family, int *fd);
/* Closes them; who waits is forgotten without a word. NULL is fine. */
void sockets_destroy(struct gate_sockets *s);
