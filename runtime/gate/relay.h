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
 * then. While nothing is in its hands the owner is told too, and may release it: both sockets are
 * its own again, for another process to go on with (carriers.h), until it is resumed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/bulk.h"
#include "gate/rate.h"
#include "lib/loop.h"

struct err;
struct pipe;
struct pipes;
struct relay;

typedef void relay_fn(struct relay *r);

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
	struct rate_turn turn;
	struct loop_timer pause;	/* set: nothing is read until it has its turn */
	struct bulk_way bulk;
};

struct relay {
	struct relay_end ends[2];
	struct relay_way ways[2];	/* ways[i] is read from ends[i] */
	struct loop *loop;
	struct pipes *pipes;
	struct bulk *bulk;
	relay_fn *on_end;		/* the sockets are closed already */
	relay_fn *on_empty;		/* NULL: nobody asks */
	bool asked;			/* to be empty */
	bool released;
	bool was_reset;			/* for on_end */
};

/* Of each way: what another process must know to go on. */
struct relay_state {
	bool done[2], flows[2];
};

/* [i] belongs to what is read from fds[i]. What is pointed to outlives the relay. */
struct relay_setup {
	struct loop *loop;
	struct pipes *pipes;
	struct bulk *bulk;
	int fds[2];
	uint64_t *counters[2];
	struct rate *rates[2];	/* NULL: no limit */
	relay_fn *on_end;
	relay_fn *on_empty;	/* NULL, or called when no byte is between two calls of it */
	struct relay_state state;	/* all false: a new one */
};

/* Takes both fds, nonblocking, also on failure; then on_end is not called. */
int relay_start(struct relay *r, const struct relay_setup *setup, struct err *e);
/* Resets both connections, also of a released one; on_end is not called. */
void relay_abort(struct relay *r);

/* Calls on_empty now if it is so, not only after the next byte. From now on it reads once for each
 * event, so that it is empty now and then even when its reader is slower than its sender. */
void relay_ask_empty(struct relay *r);
/* For a message. */
uint64_t relay_state_bits(const struct relay_state *state);
struct relay_state relay_state_of(uint64_t bits);

struct relay_state relay_state_now(const struct relay *r);	/* within on_empty */
/* Within on_empty. The fds stay where they are, nothing is watched any more. */
void relay_release(struct relay *r);
/* A released one: it goes on from what the state says, or is aborted and that is the error. */
int relay_resume(struct relay *r, const struct relay_state *state, struct err *e);
/* A released one that came to its end elsewhere: closes both, and calls on_end. */
void relay_finish(struct relay *r, bool by_reset);
/* One of its ways is in full flow (bulk.h). */
bool relay_flows(const struct relay *r);
/* Somebody pays for one of its ways. */
bool relay_is_limited(const struct relay *r);

/* Closes with a reset instead of an orderly end (socket(7): SO_LINGER 0). */
void relay_reset(int *fd);
/* For a socket whose other end is on this machine: nothing is lost on that way, so there is nothing
 * to learn by going slowly, and BBR's timer would bound the rate (tcp(7): TCP_CONGESTION). Before
 * it is connected, or listening, for those that it will accept. */
void relay_unpaced(int fd);
