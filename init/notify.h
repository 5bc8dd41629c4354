/* notify.h - the FIFO on which a unit tells its supervisor something: lines like `ready`
 * (lib/proc.h).
 *
 * Like the log's FIFO it is held open by the unit itself: what it told while no svd was there is
 * read by the next one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/loop.h"

struct err;
struct notify;

enum { NOTIFY_LINE_MAX = 64 }; /* what is longer is cut */

typedef void notify_line_fn(struct notify *n, const char *line);

struct notify {
	struct loop_source source;
	notify_line_fn *on_line;
	char line[NOTIFY_LINE_MAX];
	size_t used;
};

/* The FIFO is NAME.notify in run_dir_fd. */
int notify_open(struct notify *n, struct loop *loop, int run_dir_fd, const char *name,
		notify_line_fn *on_line, struct err *e);
void notify_close(struct notify *n);

/* Hands on what waits, but no more than a pipe can hold twice: a child of the unit may go on
 * writing. With forget it is thrown away, a begun line too. */
void notify_drain(struct notify *n, bool forget);
