/* keeper.h - keeps one gated running: starts it, talks to it, starts it again when it ends.
 *
 * A gateway holds nothing that is not told to it again: on_start tells everything. One that was
 * killed is back at once; one that keeps dying comes back after a growing pause, so that it cannot
 * take the machine with it. One that does not read its messages is killed.
 *
 *   stopped --start--> running --ended--> (pause) --> running ...
 *
 * gated runs as user and group `gate`, without a capability and with no_new_privs, in an empty
 * environment but CUVETTE_FDS=netd: fd 3 is the connection, 1 and 2 are a pipe (saying.h). It ends
 * with us (PR_SET_PDEATHSIG) and when that connection does. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "lib/loop.h"
#include "wire/outbox.h"
#include "net/saying.h"

struct err;
struct keeper;
struct msg;

enum {
	KEEPER_ID = 103,	   /* user and group `gate` (rootfs/etc/passwd) */
	KEEPER_FILES = 131072,	   /* of one gateway: its flows, clients and pipes */
	KEEPER_PAUSE_MS = 50,	   /* after one that did not live a second; doubles */
	KEEPER_PAUSE_MAX_MS = 800, /* with its start less than a second, whoever keeps killing it */
	KEEPER_LIVED_MS = 1000,
};

#define KEEPER_PROGRAM "/usr/lib/cuvette/gated"

struct keeper_events {
	void (*on_start)(struct keeper *k);		   /* tell it everything */
	/* Checked against wire.h. -1 with e filled: it is killed. */
	int (*on_message)(struct keeper *k, struct msg *m, struct err *e);
};

struct keeper {
	struct loop *loop;
	const char *name; /* of the network; the caller's */
	const struct keeper_events *events;
	struct loop_source connection, process; /* -1 = not running; process: a pidfd */
	struct loop_timer timer, rest;
	struct outbox outbox;
	struct saying saying;
	pid_t pid;
	uint64_t started_ms;
	unsigned pause_ms;
};

void keeper_init(struct keeper *k, struct loop *loop, const char *name,
		 const struct keeper_events *events);
/* Fails only when no process can be made; then it tries again by itself all the same. */
void keeper_start(struct keeper *k);
/* Kills and reaps. */
void keeper_stop(struct keeper *k);
/* What it says next is heard after this time only. */
void keeper_rest(struct keeper *k, unsigned wait_ms);
/* Lost while it is not running: on_start tells it again. */
void keeper_tell(struct keeper *k, const struct msg *m);
