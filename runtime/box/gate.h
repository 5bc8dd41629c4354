/* gate.h - where a created container waits for `start`: a listening SEQPACKET socket DIR/gate.
 *
 * Made before the container's first process, which inherits it. Whoever may enter DIR (0700) may
 * start the container. A connection that ends without GO changes nothing: the next one is waited
 * for. After GO it ends without a message when the program was exec'd; a sentence comes back when
 * it was not. The socket closes with the exec: connect(2) gives ECONNREFUSED from then on. */
#pragma once

struct err;

/* The listening socket, O_CLOEXEC. */
int gate_listen(int dir_fd, struct err *e);

/* Starts what waits there and returns when its program runs. -1 with ENOENT or ECONNREFUSED in
 * e->number: nobody waits there (any more). */
int gate_release(int dir_fd, struct err *e);

/* Inside: until somebody says GO. The connection, O_CLOEXEC. */
int gate_wait(int listen_fd, struct err *e);
/* Inside: tells who said GO why the program does not run. */
void gate_refuse(int connection_fd, const char *why);
