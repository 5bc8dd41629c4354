/* saying.h - what a gateway writes to its stderr and stdout, as lines of netd's log.
 *
 * A gateway may be someone else's by now. So it has a pipe of its own in place of netd's log, and
 * each line comes out as netd's, `LEVEL netd: gateway of network NAME: ...`: by lib/log.h, which
 * escapes what a terminal obeys. A line is cut, and says so; beyond so many a second none is
 * read, and what then finds the pipe full is lost: a gateway never waits for it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/loop.h"

struct err;

enum {
	SAYING_LINE_BYTES = 896, /* with netd's own words one line of lib/log.h */
	SAYING_LINE_MS = 2,	/* one costs: 500 a second, a question to the DNS is one */
	SAYING_ALARM_MS = 50,	/* and one that is no `info`: it goes to the console, too */
	SAYING_AHEAD_MS = 2000, /* 1000 at once */
};

struct saying {
	struct loop *loop;
	const char *name;	   /* of the network; the caller's */
	struct loop_source source; /* -1 = nobody says anything */
	struct loop_timer rest;
	char line[SAYING_LINE_BYTES + 1];
	size_t used;
	uint64_t due_ms; /* when what was said is paid for */
};

void saying_init(struct saying *s, struct loop *loop, const char *name);
/* For the next gateway; *write_fd is the caller's, to be closed once the gateway has it. */
int saying_open(struct saying *s, int *write_fd, struct err *e);
/* Last words first, if they are not too many. Fine when it is not open. */
void saying_close(struct saying *s);
