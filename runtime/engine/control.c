/* control.c - see control.h. */
#include "engine/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/str.h"

enum { LINE_BYTES_MAX = 1024, OUT_BYTES_MAX = 16384, AGAIN_MS = 1000 };

struct control {
	struct loop *loop;
	struct loop_source source;
	struct loop_timer again;	/* while nobody is at the other end */
	void (*on_poweroff)(void *ctx);
	void *ctx;
	char line[LINE_BYTES_MAX];
	size_t line_bytes;
	struct buf out;
};

static void watch(struct control *c)
{
	unsigned events = LOOP_READ | (c->out.size_bytes ? LOOP_WRITE : 0);
	struct err e;

	if (c->source.loop ? loop_change(&c->source, events, &e) < 0
			   : loop_add(c->loop, &c->source, events, &e) < 0)
		log_warn("control port: %s", e.text);
}

/* An open port without a peer reports a hang-up all the time: looked at once a second instead. */
static void rest(struct control *c)
{
	loop_remove(&c->source);
	loop_timer_set(c->loop, &c->again, AGAIN_MS);
}

static void flush(struct control *c)
{
	while (c->out.size_bytes) {
		ssize_t n = write(c->source.fd, c->out.data, c->out.size_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_drop_front(&c->out, (size_t)n);
	}
}

static void take_line(struct control *c)
{
	if (str_equal(c->line, "poweroff"))
		c->on_poweroff(c->ctx);
	else if (c->line[0])
		log_warn("control port: \"%.64s\" is not understood: known is poweroff", c->line);
}

static void take_bytes(struct control *c, const char *bytes, size_t count)
{
	for (; count; bytes++, count--) {
		if (*bytes != '\n') {
			/* What is too long is no line of ours: its rest is dropped with it. */
			if (c->line_bytes < sizeof(c->line) - 1)
				c->line[c->line_bytes++] = *bytes;
			continue;
		}
		if (c->line_bytes && c->line[c->line_bytes - 1] == '\r')
			c->line_bytes--;
		c->line[c->line_bytes] = '\0';
		c->line_bytes = 0;
		take_line(c);
	}
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct control *c = owner_of(source, struct control, source);
	char bytes[512];
	ssize_t n = 0;

	if (events & LOOP_READ) {
		n = read(source->fd, bytes, sizeof(bytes));
		if (n > 0)
			take_bytes(c, bytes, (size_t)n);
	}
	if (events & LOOP_WRITE)
		flush(c);
	if (n <= 0 && (events & LOOP_HANGUP || (events & LOOP_READ && (n == 0 || errno != EAGAIN))))
		rest(c);
	else
		watch(c);
}

static void on_again(struct loop_timer *timer)
{
	watch(owner_of(timer, struct control, again));
}

struct control *control_create(struct loop *loop, int fd, void (*on_poweroff)(void *ctx), void *ctx)
{
	struct control *c = calloc(1, sizeof(*c));
	struct err e;

	if (!c)
		abort();
	c->loop = loop;
	c->source = (struct loop_source){ .fd = fd, .on_event = on_event };
	c->again.on_time = on_again;
	c->on_poweroff = on_poweroff;
	c->ctx = ctx;
	buf_init(&c->out, OUT_BYTES_MAX);
	if (fd_set_nonblock(fd, &e) < 0)
		log_warn("control port: %s", e.text);
	watch(c);
	return c;
}

void control_destroy(struct control *c)
{
	if (!c)
		return;
	loop_timer_off(&c->again);
	loop_remove(&c->source);
	buf_finish(&c->out);
	free(c);
}

void control_send(struct control *c, const char *format, ...)
{
	char line[LINE_BYTES_MAX];
	va_list args;
	int length;

	if (!c)
		return;
	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0)
		return;
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	strcat(line, "\n");
	if (c->out.size_bytes + strlen(line) > OUT_BYTES_MAX)
		return;
	buf_add_str(&c->out, line);
	flush(c);
	if (c->out.size_bytes && c->source.loop)
		watch(c);
}
