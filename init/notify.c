#include "init/notify.h"

#include <stdio.h>
#include <unistd.h>

#include "init/capture.h"
#include "lib/err.h"
#include "lib/fd.h"

enum {
	CHUNK = 512,
	/* A pipe holds 64 KiB; twice that ends the wait for a writer that never stops. */
	DRAIN_CHUNKS = 2 * 65536 / CHUNK,
};

static void feed(struct notify *n, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\n') {
			if (n->used < sizeof(n->line) - 1)
				n->line[n->used++] = data[i];
			continue;
		}
		n->line[n->used] = '\0';
		n->used = 0;
		n->on_line(n, n->line);
	}
}

static void on_readable(struct loop_source *source, unsigned events)
{
	char data[CHUNK];
	ssize_t size = read(source->fd, data, sizeof(data));

	(void)events;
	if (size > 0)
		feed(owner_of(source, struct notify, source), data, (size_t)size);
}

int notify_open(struct notify *n, struct loop *loop, int run_dir_fd, const char *name,
		notify_line_fn *on_line, struct err *e)
{
	char fifo[LOGCAP_NAME_MAX + 8];

	snprintf(fifo, sizeof(fifo), "%s.notify", name);
	*n = (struct notify){ .source = { .on_event = on_readable }, .on_line = on_line };
	n->source.fd = capture_fifo(run_dir_fd, fifo, e);
	if (n->source.fd < 0)
		return -1;
	return loop_add(loop, &n->source, LOOP_READ, e);
}

void notify_close(struct notify *n)
{
	loop_remove(&n->source);
	fd_close(&n->source.fd);
}

void notify_drain(struct notify *n, bool forget)
{
	char data[CHUNK];
	ssize_t size;

	for (int i = 0; i < DRAIN_CHUNKS && n->source.fd >= 0; i++) {
		size = read(n->source.fd, data, sizeof(data));
		if (size <= 0)
			break;
		if (!forget)
			feed(n, data, (size_t)size);
	}
	if (forget)
		n->used = 0;
}
