/* fd.h - file descriptors: ownership by scope, and reads and writes that end as a whole.
 *
 * Every fd of ours is O_CLOEXEC; what a child shall get is put in its place by hand. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

void fd_close(int *fd);	      /* closes when >= 0, sets -1, keeps errno */
void mem_free(void *pointer); /* for AUTO_FREE: takes the address of a pointer */

#define AUTO_FD	  __attribute__((cleanup(fd_close)))
#define AUTO_FREE __attribute__((cleanup(mem_free)))

/* Hands the fd to the caller's scope: returns *fd and leaves -1 behind. */
int take_fd(int *fd);

/* Whole buffers: go on after EINTR and short counts. */
int fd_write_all(int fd, const void *data, size_t size_bytes, struct err *e);
/* One line for a console that several programs share, opened nonblocking: while another one writes,
 * the tty says EAGAIN. Tries for 100 ms at most, then the line is lost and that is the error. */
int fd_write_line(int fd, const char *line, size_t size_bytes, struct err *e);
/* Reads until size or end of file; returns the count. */
ssize_t fd_read_full(int fd, void *data, size_t size_bytes, struct err *e);

/* Everything from the current offset into fresh memory (caller frees), NUL-terminated beyond
 * *size_bytes. More than max_bytes is an error, so that a hostile file cannot eat the memory. */
char *fd_read_all(int fd, size_t max_bytes, size_t *size_bytes, struct err *e);

/* A sealed memfd (F_SEAL_WRITE and friends) with this content: safe to parse in another process. */
int fd_sealed_memfd(const char *name, const void *data, size_t size_bytes, struct err *e);
/* Refuses an fd whose content the sender could still change. */
int fd_require_sealed(int fd, struct err *e);

int fd_set_nonblock(int fd, struct err *e);

enum { FD_CONNECT_WAIT_MS = 10000 };	/* whoever takes nobody in by then has hung */

/* A connected stream socket to the AF_UNIX socket at `path`, however long that is, or to the
 * abstract one `@name`. Waits wait_ms at most for a listener that takes nobody in, and as long in
 * each send(2) over it afterwards. */
int fd_connect_unix(const char *path, unsigned wait_ms, struct err *e);
int fd_connect_abstract(const char *name, unsigned wait_ms, struct err *e);
/* Passes fd over it with a text of at least one byte: one message of sendmsg(2). */
int fd_send_over(int socket_fd, int fd, const void *text, size_t size_bytes, struct err *e);
