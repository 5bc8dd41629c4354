/* dbus.c - see dbus.h */
#include "box/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/dbus_writer.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "lib/time.h"

enum {
	LINE_BYTES_MAX = 512,
	SAID_MAX = 300,		/* of the other side's words in a sentence */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to `,` or `;`, with %2f and the like in place of what an address cannot hold. */
static bool unescape(const char *value, char *out, size_t out_bytes)
{
	size_t size = 0, length = strcspn(value, ",;");

	for (size_t i = 0; i < length; i++) {
		char c = value[i];

		if (c == '%') {
			int high = i + 2 < length ? hex_digit(value[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(value[i + 2]);

			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!c || size + 1 >= out_bytes)
			return false;
		out[size++] = c;
	}
	out[size] = '\0';
	return size > 0;
}

static bool read_unix(const char *keys, size_t length, char *path, size_t path_bytes)
{
	while (length > 0) {
		size_t key = strcspn(keys, ",;");

		if (str_starts(keys, "path="))
			return unescape(keys + 5, path, path_bytes);
		if (str_starts(keys, "abstract=")) {
			path[0] = '@';
			return path_bytes > 1 && unescape(keys + 9, path + 1, path_bytes - 1);
		}
		if (key >= length)
			return false;
		keys += key + 1;
		length -= key + 1;
	}
	return false;
}

bool dbus_address_path(const char *address, char *path, size_t path_bytes)
{
	static const char scheme[] = "unix:";

	for (;;) {
		size_t length = strcspn(address, ";");

		if (str_starts(address, scheme) && length > sizeof(scheme) - 1 &&
		    read_unix(address + sizeof(scheme) - 1, length - (sizeof(scheme) - 1), path,
			      path_bytes))
			return true;
		if (!address[length])
			return false;
		address += length + 1;
	}
}

static int refuse_late(struct err *e)
{
	errno = ETIMEDOUT;
	return err_sys(e, "the bus does not answer");
}

static int await_ready(struct dbus *d, short events, struct err *e)
{
	struct pollfd p = { .fd = d->fd, .events = events };
	uint64_t now;
	int n;

	do {
		now = time_boot_ms();
		n = poll(&p, 1, now < d->deadline_ms ? (int)(d->deadline_ms - now) : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "wait for the bus");
	return n > 0 ? 0 : refuse_late(e);
}

static int send_all(struct dbus *d, const void *data, size_t size_bytes, struct err *e)
{
	const char *bytes = data;

	while (size_bytes > 0) {
		ssize_t n = send(d->fd, bytes, size_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (await_ready(d, POLLOUT, e))
				return -1;
		} else if (n < 0 && errno != EINTR) {
			return err_sys(e, "write to the bus");
		} else if (n > 0) {
			bytes += n;
			size_bytes -= (size_t)n;
		}
	}
	return 0;
}

static int receive_all(struct dbus *d, uint8_t *bytes, size_t size_bytes, struct err *e)
{
	while (size_bytes > 0) {
		ssize_t n = recv(d->fd, bytes, size_bytes, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			if (await_ready(d, POLLIN, e))
				return -1;
		} else if (n < 0 && errno != EINTR) {
			return err_sys(e, "read from the bus");
		} else if (n == 0) {
			return err_set(e, "the bus has closed the connection");
		} else if (n > 0) {
			bytes += n;
			size_bytes -= (size_t)n;
		}
	}
	return 0;
}

/* One byte after the other: behind the last line the messages begin. */
static int receive_line(struct dbus *d, char line[LINE_BYTES_MAX], struct err *e)
{
	for (size_t i = 0; i < LINE_BYTES_MAX; i++) {
		if (receive_all(d, (uint8_t *)&line[i], 1, e))
			return -1;
		if (line[i] != '\n')
			continue;
		line[i > 0 && line[i - 1] == '\r' ? i - 1 : i] = '\0';
		return 0;
	}
	return err_set(e, "the bus answers the greeting with an endless line");
}

/* All at once, as libsystemd does it: where the first message comes in the same read(2) as BEGIN,
 * its servers (seen: 257) leave it lying until there is another one. */
static int authenticate(struct dbus *d, struct err *e)
{
	static const char lines[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	char answer[LINE_BYTES_MAX];

	if (send_all(d, lines, sizeof(lines) - 1, e) || receive_line(d, answer, e))
		return -1;
	if (str_equal(answer, "DATA") && receive_line(d, answer, e))
		return -1;
	return str_starts(answer, "OK ") ? 0 : err_set(e, "the bus does not let this user in");
}

int dbus_open(struct dbus *d, const char *path, unsigned wait_ms, struct err *e)
{
	*d = (struct dbus){ .deadline_ms = time_boot_ms() + wait_ms };
	d->fd = path[0] == '@' ? fd_connect_abstract(path, wait_ms, e) :
				fd_connect_unix(path, wait_ms, e);
	if (d->fd < 0)
		return -1;
	if (authenticate(d, e) == 0)
		return 0;
	dbus_close(d);
	return err_add(e, "%s", path);
}

void dbus_close(struct dbus *d)
{
	fd_close(&d->fd);
	free(d->bytes);
	d->bytes = NULL;
}

static int receive(struct dbus *d, struct dbus_message *m, struct err *e)
{
	uint8_t head[DBUS_HEAD_BYTES];
	size_t size;

	/* Where messages come without a break, no read of theirs waits. */
	if (time_boot_ms() >= d->deadline_ms)
		return refuse_late(e);
	if (receive_all(d, head, sizeof(head), e))
		return -1;
	size = dbus_message_bytes(head, e);
	if (!size)
		return -1;
	free(d->bytes);
	d->bytes = malloc(size);
	if (!d->bytes)
		abort();
	memcpy(d->bytes, head, sizeof(head));
	if (receive_all(d, d->bytes + sizeof(head), size - sizeof(head), e))
		return -1;
	return dbus_message_read(m, d->bytes, size, e);
}

/* The other side's words, fit for a terminal. */
static int refuse(struct dbus *d, const struct dbus_method *method, struct dbus_message *m,
		  struct err *e)
{
	struct dbus_reader body = m->body;
	char said[SAID_MAX + 1];

	str_copy(d->error_name, sizeof(d->error_name), m->error_name);
	snprintf(said, sizeof(said), "%s",
		 m->signature[0] == 's' ? dbus_reader_str(&body) : m->error_name);
	for (char *c = said; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return err_set(e, "%s: %s", method->member, said);
}

int dbus_call(struct dbus *d, const struct dbus_method *method, const struct dbus_writer *body,
	      struct dbus_message *answer, struct err *e)
{
	struct dbus_message unwanted, *m = answer ? answer : &unwanted;
	struct buf out;
	int failed;

	d->error_name[0] = '\0';
	buf_init(&out, DBUS_MESSAGE_MAX);
	if (!dbus_writer_call(method, ++d->serial, body, &out))
		failed = err_set(e, "%s: the message is longer than %d bytes", method->member,
				 DBUS_MESSAGE_MAX);
	else
		failed = send_all(d, out.data, out.size_bytes, e);
	buf_finish(&out);
	while (!failed) {
		failed = receive(d, m, e);
		if (failed)
			break;
		if (m->type == DBUS_REPLY && m->reply_serial == d->serial)
			return 0;
		if (m->type == DBUS_ERROR && m->reply_serial == d->serial)
			return refuse(d, method, m, e);
		if (m->type == DBUS_SIGNAL && d->on_signal)
			d->on_signal(d->ctx, m);
	}
	return -1;
}

int dbus_await(struct dbus *d, struct err *e)
{
	struct dbus_message m;

	do
		if (receive(d, &m, e))
			return -1;
	while (m.type != DBUS_SIGNAL || !d->on_signal || !d->on_signal(d->ctx, &m));
	return 0;
}
