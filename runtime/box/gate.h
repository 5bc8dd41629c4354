/* gate.h - where a created container waits for `start`: a listening SEQPACKET socket DIR/gate.
 *
 * Made before the container's first process, which inherits it. Whoever may enter DIR (0700) may
 * start the container; one connection, one GO. The connection ends without a message when the
 * program was exec'd; a sentence comes back when it was not. */
#pragma once

struct err;

/* The listening socket, O_CLOEXEC. */
int gate_listen(int dir_fd, struct err *e);

/* Starts what waits there and returns when its program runs; removes DIR/gate. -1 with ENOENT or
 * ECONNREFUSED in e->number: nobody waits there (any more). */
int gate_release(int dir_fd, struct err *e);

/* Inside: until somebody comes. The connection, O_CLOEXEC. */
int gate_wait(int listen_fd, struct err *e);
