/* msg.h - one message of an AF_UNIX SOCK_SEQPACKET connection: a type, fields and passed fds.
 *
 * A message is at most MSG_BYTES_MAX; the kernel keeps its borders. Fields are written and read
 * in one order with types on the wire, so a wrong order is an error and not a wrong value; a
 * reader must end exactly at the end (msg_end). Both ends run the same release: there is no
 * version. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { MSG_BYTES_MAX = 65536, MSG_FDS_MAX = 8 };

struct msg {
	uint32_t type;
	size_t size_bytes;    /* of data */
	size_t at;	      /* reader's place */
	bool broken;	      /* a put did not fit, or a get met something else */
	int fds[MSG_FDS_MAX]; /* received: owned by this struct until msg_take_fd */
	int fd_count;
	bool owns_fds; /* set by msg_receive: msg_finish closes them */
	unsigned char data[MSG_BYTES_MAX];
};

void msg_init(struct msg *m, uint32_t type);
void msg_put_u64(struct msg *m, uint64_t value);
void msg_put_str(struct msg *m, const char *text); /* NULL is written as "" */
void msg_put_fd(struct msg *m, int fd);		   /* borrowed until msg_send returns */

/* Whole or not at all. EAGAIN on a nonblocking socket is an error with number EAGAIN. */
int msg_send(int socket_fd, struct msg *m, struct err *e);

/* 1 = a message, 0 = the peer closed, -1 = error (EAGAIN in e->number when nothing waits).
 * Received fds are O_CLOEXEC. A cut or oversized message is an error. */
int msg_receive(int socket_fd, struct msg *m, struct err *e);
void msg_finish(struct msg *m); /* closes received fds that nobody took; never borrowed ones */

uint64_t msg_get_u64(struct msg *m); /* 0 when broken */
/* Points into the message; "" when broken. */
const char *msg_get_str(struct msg *m);
int msg_take_fd(struct msg *m); /* next one, the caller's; -1 when none is left */
/* 0 when everything was read and nothing was broken. */
int msg_end(const struct msg *m, struct err *e);
