/* pipes.h - the pipes that bytes pass through on their way from one socket to another (splice(2)).
 *
 * One is taken for as long as bytes are in it: while nobody is slow, one pipe serves all
 * connections. Bounded by PIPES_MAX; when none is left its caller has another way (relay.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pipes;

/* A gateway keeps no more than 4 MiB of room while it rests: its user has 64 MiB of it for the
 * gateways of all networks, and above that pipes of two pieces (pipe(7): pipe-user-pages-soft). */
enum {
	PIPES_MAX = 1024, /* x 2 fds, and each at most as many bytes as it has room */
	PIPES_KEPT = 4,	  /* that are empty and wait for the next one */
	PIPES_BULK = 8,	  /* the first ones are larger: each wake-up then moves more bytes */
	PIPE_BULK_BYTES = 1024 * 1024, /* 256 pieces: what a user without rights may set */
	PIPE_BYTES = 256 * 1024,       /* the others; 64 pieces */
	PIPES_LARGE = 224,	       /* while no more are in use, each may be filled: 62 MiB */
	PIPE_FEW_BYTES = 64 * 1024,    /* and above that the others with no more than this */
};

struct pipe {
	int read_fd, write_fd;
	size_t bytes;	/* so many may be put into it this time */
	size_t room;	/* 0: made while this user had many */
	struct pipe *next;
};

struct pipes *pipes_create(void);
void pipes_destroy(struct pipes *ps);	/* NULL is fine; all are back */

struct pipe *pipes_take(struct pipes *ps);	/* empty; NULL: none is left */
void pipes_give(struct pipes *ps, struct pipe *p);	/* an empty one */
void pipes_rest(struct pipes *ps);	/* keeps none for the next one */
void pipes_drop(struct pipes *ps, struct pipe *p);	/* one with bytes in it; NULL is fine */
