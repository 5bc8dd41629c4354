#include "init/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/plain.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

enum { CHUNK = 4096, CHUNKS_PER_TURN = 16 };	/* a flood of one unit shall not starve the loop */

static void show_line(void *ctx, const char *line, size_t size)
{
	struct capture *c = ctx;
	char text[LOGCAP_LINE_MAX + 1];

	if (c->console_fd < 0 || !logcap_is_important(line, size))
		return;
	/* What looks like one of our lines may be a stranger's: no terminal control from it. */
	memcpy(text, line, size);
	plain_make(text, size);
	text[size] = '\n';
	fd_write_line(c->console_fd, text, size + 1, NULL);	/* when lost: it is in the log */
}

static void take(struct capture *c, int chunks_max)
{
	char chunk[CHUNK];
	ssize_t size;

	while (chunks_max-- > 0 && (size = read(c->source.fd, chunk, sizeof(chunk))) > 0)
		logcap_feed(&c->log, chunk, (size_t)size, show_line, c);
}

static void on_readable(struct loop_source *source, unsigned events)
{
	(void)events;
	take(owner_of(source, struct capture, source), CHUNKS_PER_TURN);
}

int capture_fifo(int dir_fd, const char *name, struct err *e)
{
	struct stat st;
	AUTO_FD int fd = -1;

	if (mkfifoat(dir_fd, name, 0600) && errno != EEXIST)
		return err_sys(e, "make FIFO %s", name);
	fd = openat(dir_fd, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "open FIFO %s", name);
	if (!S_ISFIFO(st.st_mode))
		return err_set(e, "%s is no FIFO: remove it", name);
	return take_fd(&fd);
}

int capture_open(struct capture *c, struct loop *loop, int run_dir_fd, int log_dir_fd,
		 const char *name, uint64_t max_bytes, int console_fd, struct err *e)
{
	char fifo[LOGCAP_NAME_MAX + 8];

	c->console_fd = console_fd;
	c->source = (struct loop_source){ .fd = -1, .on_event = on_readable };
	c->log.fd = -1;
	snprintf(fifo, sizeof(fifo), "%s.log", name);
	c->source.fd = capture_fifo(run_dir_fd, fifo, e);
	if (c->source.fd < 0)
		return -1;
	if (logcap_open(&c->log, log_dir_fd, name, max_bytes, e) ||
	    loop_add(loop, &c->source, LOOP_READ, e)) {
		capture_close(c);
		return -1;
	}
	return 0;
}

void capture_close(struct capture *c)
{
	loop_remove(&c->source);
	fd_close(&c->source.fd);
	logcap_close(&c->log);
}

void capture_drain(struct capture *c)
{
	/* A pipe holds 64 KiB; twice that ends the wait for a writer that never stops. */
	if (c->source.fd >= 0)
		take(c, 2 * 65536 / CHUNK);
}
