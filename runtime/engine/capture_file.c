/* capture_file.c - see capture_file.h. */
#include "engine/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/pcap_cut.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"

enum {
	BUFFER_BYTES = 256 << 10, /* more than the largest packet, so that there is progress */
	PIPE_BYTES = 1 << 20,	  /* the kernel's most for everybody (fcntl(2), pipe(7)) */
	LAST_WORDS_MS = 1000,	  /* from the end of the time to the end of the stream */
};

struct capture_file {
	struct capture_file_setup setup;
	struct loop_source pipe;
	struct loop_timer timer;
	struct pcap_cut cut;
	int fd;
	bool is_late;		/* its time is over */
	size_t size_bytes;	/* of buffer */
	uint8_t buffer[BUFFER_BYTES];
};

static void end(struct capture_file *c, const char *why, const char *failure)
{
	const struct capture_file_end what = { why, failure, c->cut.packets, c->cut.bytes };

	loop_timer_off(&c->timer);
	loop_remove(&c->pipe);
	c->setup.done(c->setup.ctx, &what);
}

static int put_whole_packets(struct capture_file *c, struct err *e)
{
	ptrdiff_t whole = pcap_cut_take(&c->cut, c->buffer, c->size_bytes, e);

	if (whole <= 0)
		return (int)whole;
	if (fd_write_all(c->fd, c->buffer, (size_t)whole, e) < 0)
		return err_add(e, "write the captured packets");
	c->size_bytes -= (size_t)whole;
	memmove(c->buffer, c->buffer + whole, c->size_bytes);
	return 0;
}

static void on_pipe(struct loop_source *source, unsigned events)
{
	struct capture_file *c = owner_of(source, struct capture_file, pipe);
	ssize_t n = read(source->fd, c->buffer + c->size_bytes, BUFFER_BYTES - c->size_bytes);
	struct err e;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(c, c->is_late ? "its time is over" : "the container or its gateway has ended",
		    NULL);
		return;
	}
	c->size_bytes += (size_t)n;
	if (put_whole_packets(c, &e) < 0)
		end(c, "", e.text);
	else if (c->cut.is_full)
		end(c, "its size is reached", NULL);
}

static void on_time(struct loop_timer *timer)
{
	struct capture_file *c = owner_of(timer, struct capture_file, timer);

	if (c->is_late) {
		end(c, "its time is over", NULL);
		return;
	}
	c->is_late = true;
	loop_timer_set(c->setup.loop, &c->timer, LAST_WORDS_MS);
	c->setup.on_time(c->setup.ctx);
}

static int open_all(struct capture_file *c, int *write_fd, struct err *e)
{
	int ends[2];

	c->fd = openat(c->setup.dir_fd, c->setup.name,
		       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (c->fd < 0)
		return err_sys(e, "open %s", c->setup.name);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "pipe");
	c->pipe.fd = ends[0];
	/* A smaller one loses more packets of a fast sender, and no more. */
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	if (loop_add(c->setup.loop, &c->pipe, LOOP_READ, e) == 0) {
		*write_fd = ends[1];
		return 0;
	}
	fd_close(&ends[1]);
	return -1;
}

struct capture_file *capture_file_create(const struct capture_file_setup *setup, int *write_fd,
					 struct err *e)
{
	struct capture_file *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->setup = *setup;
	c->cut.bytes_max = setup->bytes_max;
	c->fd = -1;
	c->pipe = (struct loop_source){ .fd = -1, .on_event = on_pipe };
	c->timer.on_time = on_time;
	if (open_all(c, write_fd, e) < 0) {
		capture_file_destroy(c);
		return NULL;
	}
	loop_timer_set(setup->loop, &c->timer, setup->seconds * 1000);
	return c;
}

void capture_file_destroy(struct capture_file *c)
{
	if (!c)
		return;
	loop_timer_off(&c->timer);
	loop_remove(&c->pipe);
	fd_close(&c->pipe.fd);
	fd_close(&c->fd);
	free(c);
}
