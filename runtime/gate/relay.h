/* relay.h - two connected TCP sockets that become one connection: each one's bytes go to the other.
 *
 *     ends[0] ==ways[0]==> ends[1]      by splice(2) through a pipe that is held only while
 *     ends[0] <==ways[1]== ends[1]      bytes are in it, so the bytes are never copied
 *
 * Back-pressure: a way reads no more before what it read is gone. The end of one direction is
 * passed on when all before it is; a reset at once, whatever still lies in between, as between two
 * ends of one connection. Urgent bytes keep their place among the others (SO_OOBINLINE, for the
 * caller to set), but not their mark. With no pipe left bytes are peeked, copied and then taken, so
 * that slow readers who hold all the pipes make others slower and not stop them.
 *
 * Owns both sockets. Embedded in its owner's struct, who is told when it is over and may free it
 * then. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/loop.h"

struct err;
struct pipe;
struct pipes;
struct rate;
struct relay;

typedef void relay_end_fn(struct relay *r);

struct relay_end {
	struct loop_source source;
	unsigned wants;		/* LOOP_READ, LOOP_WRITE: what it is watched for */
};

struct relay_way {
	struct pipe *pipe;	/* with `held` bytes in it; NULL when empty */
	size_t held;
	bool stalled;		/* no pipe, and the other end takes nothing now */
	bool eof;		/* nothing more comes; when all is through: `done` */
	bool done;
	uint64_t *counter;	/* counts the bytes that went through */
	struct rate *rate;	/* of whoever pays for them; NULL: nobody */
	struct loop_timer pause;	/* set: nothing is read until the debt is paid */
};

struct relay {
	struct relay_end ends[2];
	struct relay_way ways[2];	/* ways[i] is read from ends[i] */
	struct loop *loop;
	struct pipes *pipes;
	relay_end_fn *on_end;		/* the sockets are closed already */
};

/* [i] belongs to what is read from fds[i]. What is pointed to outlives the relay. */
struct relay_setup {
	struct loop *loop;
	struct pipes *pipes;
	int fds[2];
	uint64_t *counters[2];
	struct rate *rates[2];	/* NULL: no limit */
	relay_end_fn *on_end;
};

/* Takes both fds, nonblocking, also on failure; then on_end is not called. */
int relay_start(struct relay *r, const struct relay_setup *setup, struct err *e);
/* Resets both connections; on_end is not called. */
void relay_abort(struct relay *r);

/* Closes with a reset instead of an orderly end (socket(7): SO_LINGER 0). */
void relay_reset(int *fd);
/* For a socket whose other end is on this machine: nothing is lost on that way, so there is nothing
 * to learn by going slowly, and BBR's timer would bound the rate (tcp(7): TCP_CONGESTION). Before
 * it is connected, or listening, for those that it will accept. */
void relay_unpaced(int fd);
