#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"

void fd_close(int *fd)
{
	int saved = errno;

	/* Never again after EINTR: Linux has closed it by then (close(2)). */
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void mem_free(void *pointer)
{
	void **place = pointer;
	int saved = errno;

	free(*place);
	*place = NULL;
	errno = saved;
}

int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int fd_write_all(int fd, const void *data, size_t size_bytes, struct err *e)
{
	const char *at = data;
	ssize_t n;

	while (size_bytes > 0) {
		n = write(fd, at, size_bytes);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(e, "write");
		}
		at += n;
		size_bytes -= (size_t)n;
	}
	return 0;
}

int fd_write_line(int fd, const char *line, size_t size_bytes, struct err *e)
{
	enum { TRIES = 100 };
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	ssize_t written = -1;

	for (int i = 0; i < TRIES; i++) {
		written = write(fd, line, size_bytes);
		if (written >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
		nanosleep(&pause, NULL);
	}
	return written < 0 ? err_sys(e, "write a line") : 0;
}

/* A file that has given all that it is said to have, and less than was asked for, is at its end
 * (read(2)): there is no need to hear it say so. said 0 = unknown. */
static ssize_t read_until(int fd, void *data, size_t size_bytes, size_t said, struct err *e)
{
	size_t used = 0;
	ssize_t n;

	while (used < size_bytes && (used == 0 || used != said)) {
		n = read(fd, (char *)data + used, size_bytes - used);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(e, "read");
		}
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

ssize_t fd_read_full(int fd, void *data, size_t size_bytes, struct err *e)
{
	return read_until(fd, data, size_bytes, 0, e);
}

char *fd_read_all(int fd, size_t max_bytes, size_t *size_bytes, struct err *e)
{
	size_t used = 0, capacity = 4096, said = 0;
	AUTO_FREE char *data = NULL;
	char *grown;
	struct stat st;
	ssize_t n;

	/* A hint only: procfs says 0, and a file may grow while it is read. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size <= max_bytes) {
		said = (size_t)st.st_size;
		capacity = said + 2;
	}
	for (;;) {
		grown = realloc(data, capacity);
		if (!grown)
			abort();
		data = grown;
		n = read_until(fd, data + used, capacity - 1 - used, used ? 0 : said, e);
		if (n < 0)
			return NULL;
		used += (size_t)n;
		if (used > max_bytes) {
			err_set(e, "longer than %zu bytes", max_bytes);
			return NULL;
		}
		if (used < capacity - 1)
			break;
		capacity *= 2;
	}
	data[used] = '\0';
	*size_bytes = used;
	grown = data;
	data = NULL;
	return grown;
}

int fd_sealed_memfd(const char *name, const void *data, size_t size_bytes, struct err *e)
{
	AUTO_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, "memfd %s", name);
	if (fd_write_all(fd, data, size_bytes, e) < 0)
		return err_add(e, "memfd %s", name);
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_sys(e, "memfd %s: seal", name);
	return take_fd(&fd);
}

int fd_require_sealed(int fd, struct err *e)
{
	const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return err_sys(e, "passed file is not a memfd");
	if ((seals & needed) != needed)
		return err_set(e, "passed memfd is not sealed: its sender could still change it");
	return 0;
}

int fd_set_nonblock(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "set nonblocking");
	return 0;
}

/* Where the listener's backlog is full, connect(2) sleeps until there is room, as long as a send
 * may (SO_SNDTIMEO, socket(7)), and says EAGAIN then. */
static int connect_within(int fd, const struct sockaddr_un *a, socklen_t size, unsigned wait_ms,
			  const char *path, struct err *e)
{
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
				      .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return err_sys(e, "socket %s: bound its waits", path);
	if (connect(fd, (const struct sockaddr *)a, size) == 0)
		return 0;
	if (errno != EAGAIN)
		return err_sys(e, "connect to socket %s", path);
	err_set(e,
		"connect to socket %s: its owner has taken no connection for %u ms, its queue is "
		"full: see what that program is doing, or start it again",
		path, wait_ms);
	if (e)
		e->number = ETIMEDOUT;
	return -1;
}

int fd_connect_abstract(const char *name, unsigned wait_ms, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);

	if (length > sizeof(a.sun_path))
		return err_set(e, "the name of the socket %.64s... is longer than %zu bytes", name,
			       sizeof(a.sun_path) - 1);
	memcpy(a.sun_path + 1, name + 1, length - 1);
	if (fd < 0)
		return err_sys(e, "open a socket for %s", name);
	return connect_within(fd, &a, size, wait_ms, name, e) ? -1 : take_fd(&fd);
}

int fd_connect_unix(const char *path, unsigned wait_ms, struct err *e)
{
	/* An address ends after 108 bytes: so by an fd of the socket file. */
	AUTO_FD int file_fd = open(path, O_PATH | O_CLOEXEC);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (file_fd < 0 || fd < 0)
		return err_sys(e, "open socket %s", path);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", file_fd);
	return connect_within(fd, &a, sizeof(a), wait_ms, path, e) ? -1 : take_fd(&fd);
}

int fd_send_over(int socket_fd, int fd, const void *text, size_t size_bytes, struct err *e)
{
	struct iovec part = { .iov_base = (void *)text, .iov_len = size_bytes };
	union {
		struct cmsghdr header; /* for the alignment */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t sent;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sent = sendmsg(socket_fd, &m, MSG_NOSIGNAL);
	if (sent < 0)
		return err_sys(e, "pass a file descriptor");
	/* The fd went with the first bytes. */
	return fd_write_all(socket_fd, (const char *)text + sent, size_bytes - (size_t)sent, e);
}
