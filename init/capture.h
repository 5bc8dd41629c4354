/* capture.h - the way from a unit's output to its log: a FIFO, read by the loop.
 *
 * The writer holds the FIFO open in both directions, so svd can die and come back without the
 * writer noticing: what was written meanwhile waits in the pipe. Warnings and errors also go to the
 * console. */
#pragma once

#include <stdint.h>

#include "init/logcap.h"
#include "lib/loop.h"

struct capture {
	struct loop_source source;
	struct logcap log;
	int console_fd;			/* borrowed; -1 = none */
};

/* The FIFO is NAME.log in run_dir_fd, the log is NAME in log_dir_fd. */
int capture_open(struct capture *c, struct loop *loop, int run_dir_fd, int log_dir_fd,
		 const char *name, uint64_t max_bytes, int console_fd, struct err *e);
void capture_close(struct capture *c);

/* Takes what waits in the FIFO: before svd reports that the writer is gone, and before it ends
 * itself. */
void capture_drain(struct capture *c);

/* A FIFO in dir_fd, made when missing, that never sees an end of file. */
int capture_fifo(int dir_fd, const char *name, struct err *e);
