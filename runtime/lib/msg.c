#include "lib/msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/err.h"
#include "lib/fd.h"

/* On the wire: the type (4 bytes), then fields, each with its kind in front. Both ends are one
 * machine, so numbers are in its byte order. A string carries its size and its NUL. */
enum field_kind { FIELD_U64 = 0x75, FIELD_STR = 0x73 };

union fd_control {
	struct cmsghdr header; /* for the alignment */
	char bytes[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
};

void msg_init(struct msg *m, uint32_t type)
{
	m->type = type;
	m->size_bytes = 0;
	m->at = 0;
	m->broken = false;
	m->fd_count = 0;
	m->owns_fds = false;
}

static void put(struct msg *m, const void *data, size_t size_bytes)
{
	if (m->broken || size_bytes > sizeof(m->data) - m->size_bytes) {
		m->broken = true;
		return;
	}
	memcpy(m->data + m->size_bytes, data, size_bytes);
	m->size_bytes += size_bytes;
}

static void put_kind(struct msg *m, enum field_kind kind)
{
	unsigned char byte = (unsigned char)kind;

	put(m, &byte, 1);
}

void msg_put_u64(struct msg *m, uint64_t value)
{
	put_kind(m, FIELD_U64);
	put(m, &value, sizeof(value));
}

void msg_put_str(struct msg *m, const char *text)
{
	size_t size_bytes;
	uint32_t wire_bytes;

	if (!text)
		text = "";
	size_bytes = strlen(text) + 1;
	if (size_bytes > sizeof(m->data)) {
		m->broken = true;
		return;
	}
	wire_bytes = (uint32_t)size_bytes;
	put_kind(m, FIELD_STR);
	put(m, &wire_bytes, sizeof(wire_bytes));
	put(m, text, size_bytes);
}

void msg_put_fd(struct msg *m, int fd)
{
	if (m->fd_count == MSG_FDS_MAX || fd < 0) {
		m->broken = true;
		return;
	}
	m->fds[m->fd_count++] = fd;
}

int msg_send(int socket_fd, struct msg *m, struct err *e)
{
	size_t fd_bytes = sizeof(int) * (size_t)m->fd_count;
	union fd_control control = { 0 };
	struct iovec parts[] = {
		{ .iov_base = &m->type, .iov_len = sizeof(m->type) },
		{ .iov_base = m->data, .iov_len = m->size_bytes },
	};
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	struct cmsghdr *c;
	ssize_t n;

	if (m->broken) {
		errno = EMSGSIZE;
		return err_sys(e, "send message %u", m->type);
	}
	if (m->fd_count > 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(fd_bytes);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_bytes);
		memcpy(CMSG_DATA(c), m->fds, fd_bytes);
	}
	do
		n = sendmsg(socket_fd, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "send message %u", m->type);
	return 0;
}

/* Moves what the kernel installed into m, so that nothing leaks whatever is wrong with the message.
 * The buffer takes no more than fit: a larger number shows as MSG_CTRUNC. */
static void collect_fds(struct msg *m, struct msghdr *header)
{
	struct cmsghdr *c;
	size_t i, count;
	int fd;

	for (c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->fd_count < MSG_FDS_MAX) {
				m->fds[m->fd_count++] = fd;
			} else {
				fd_close(&fd);
				m->broken = true;
			}
		}
	}
}

int msg_receive(int socket_fd, struct msg *m, struct err *e)
{
	union fd_control control;
	struct iovec parts[] = {
		{ .iov_base = &m->type, .iov_len = sizeof(m->type) },
		{ .iov_base = m->data, .iov_len = sizeof(m->data) },
	};
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	msg_init(m, 0);
	do {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		n = recvmsg(socket_fd, &header, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "receive message");
	m->owns_fds = true;
	collect_fds(m, &header);
	if (n == 0) {
		msg_finish(m);
		return 0;
	}
	if ((size_t)n < sizeof(m->type) || m->broken ||
	    (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		msg_finish(m);
		return err_set(e,
			       "receive message: its size or its number of files is out of bounds");
	}
	m->size_bytes = (size_t)n - sizeof(m->type);
	return 1;
}

void msg_finish(struct msg *m)
{
	if (!m)
		return;
	while (m->owns_fds && m->fd_count > 0)
		fd_close(&m->fds[--m->fd_count]);
	m->fd_count = 0;
}

static bool get(struct msg *m, void *data, size_t size_bytes)
{
	if (m->broken || size_bytes > m->size_bytes - m->at) {
		m->broken = true;
		return false;
	}
	memcpy(data, m->data + m->at, size_bytes);
	m->at += size_bytes;
	return true;
}

static bool get_kind(struct msg *m, enum field_kind kind)
{
	unsigned char byte;

	if (!get(m, &byte, 1))
		return false;
	if (byte != kind)
		m->broken = true;
	return !m->broken;
}

uint64_t msg_get_u64(struct msg *m)
{
	uint64_t value;

	if (!get_kind(m, FIELD_U64) || !get(m, &value, sizeof(value)))
		return 0;
	return value;
}

const char *msg_get_str(struct msg *m)
{
	const char *text;
	uint32_t size_bytes;

	if (!get_kind(m, FIELD_STR) || !get(m, &size_bytes, sizeof(size_bytes)))
		return "";
	text = (const char *)m->data + m->at;
	/* Its first NUL must be its last byte. */
	if (size_bytes == 0 || size_bytes > m->size_bytes - m->at ||
	    strnlen(text, size_bytes) != size_bytes - 1) {
		m->broken = true;
		return "";
	}
	m->at += size_bytes;
	return text;
}

int msg_take_fd(struct msg *m)
{
	int fd;

	if (m->fd_count == 0)
		return -1;
	fd = m->fds[0];
	m->fd_count--;
	memmove(m->fds, m->fds + 1, sizeof(int) * (size_t)m->fd_count);
	return fd;
}

int msg_end(const struct msg *m, struct err *e)
{
	if (m->broken || m->at != m->size_bytes)
		return err_set(e, "message %u: its fields are not those of its type", m->type);
	return 0;
}
