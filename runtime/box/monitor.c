/* monitor.c - see monitor.h */
#include "box/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/outlog.h"
#include "box/state.h"
#include "box/tail.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/str.h"

enum { FINISH_READS_MAX = 256 }; /* a pipe has at most 256 pages unless a privileged user asks */

struct stream {
	struct loop_source source;
	struct monitor *monitor;
	const char *name;
	size_t held_bytes;			/* of a line that has no end yet */
	char held[OUTLOG_LINE_MAX];
};

struct monitor {
	struct loop *loop;
	struct loop_source process;		/* the pidfd */
	struct stream out, err;
	struct outlog log;
	struct tail said;			/* on standard error */
	int events_fd;				/* -1 = no memory limit to watch */
	int output_fd;				/* -1 = none, or its reader is gone */
	bool output_slow; /* waited in vain: drop until it takes bytes again */
	pid_t pid;
	int wait_status;
};

/* The log's lines: whole ones at once, the rest is held until its end comes or the buffer
 * is full. */
static void split_lines(struct stream *s, const char *data, size_t size)
{
	struct outlog *log = &s->monitor->log;

	while (size) {
		const char *end = memchr(data, '\n', size);
		size_t part = end ? (size_t)(end - data) + 1 : size,
		       room = sizeof(s->held) - s->held_bytes;

		if (part > room)
			part = room;
		memcpy(s->held + s->held_bytes, data, part);
		s->held_bytes += part;
		data += part;
		size -= part;
		if (s->held[s->held_bytes - 1] == '\n' || s->held_bytes == sizeof(s->held)) {
			outlog_put(log, s->name, s->held, s->held_bytes);
			s->held_bytes = 0;
		}
	}
}

static bool wait_for_reader(struct monitor *m)
{
	struct pollfd p = { .fd = m->output_fd, .events = POLLOUT };

	/* A virtio port without a host at its other end is always ready, for a hang-up. */
	m->output_slow = poll(&p, 1, m->output_slow ? 0 : MONITOR_OUTPUT_WAIT_MS) <= 0 ||
			 !(p.revents & POLLOUT);
	return !m->output_slow;
}

static void copy_output(struct monitor *m, const char *data, size_t size)
{
	while (size && m->output_fd >= 0) {
		ssize_t n = write(m->output_fd, data, size);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (!wait_for_reader(m))
				return;
		} else if (n < 0 && errno != EINTR) {
			fd_close(&m->output_fd);
		}
	}
}

/* 1 = there was something, 0 = nothing now, -1 = nothing more can come. */
static int read_once(struct stream *s)
{
	static char data[OUTLOG_LINE_MAX];
	ssize_t n = read(s->source.fd, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	copy_output(s->monitor, data, (size_t)n);
	split_lines(s, data, (size_t)n);
	if (s == &s->monitor->err)
		tail_put(&s->monitor->said, data, (size_t)n);
	return 1;
}

static void on_stream(struct loop_source *source, unsigned events)
{
	struct stream *s = owner_of(source, struct stream, source);

	(void)events;
	if (read_once(s) < 0)
		loop_remove(source);
}

/* What the pipe holds and no more: a container of the same network may have been given our end, and
 * writes to it for ever. */
static void finish_stream(struct stream *s)
{
	for (int i = 0; i < FINISH_READS_MAX && read_once(s) > 0; i++)
		;
	if (s->held_bytes)
		outlog_put(&s->monitor->log, s->name, s->held, s->held_bytes);
	s->held_bytes = 0;
}

static void on_end(struct loop_source *source, unsigned events)
{
	struct monitor *m = owner_of(source, struct monitor, process);

	(void)events;
	if (waitpid(m->pid, &m->wait_status, WNOHANG) == m->pid)
		loop_stop(m->loop);
}

static int watch(struct monitor *m, struct err *e)
{
	m->loop = loop_create(e);
	m->process.fd = (int)syscall(SYS_pidfd_open, m->pid, 0);
	m->process.on_event = on_end;
	m->out.source.on_event = m->err.source.on_event = on_stream;
	if (!m->loop)
		return -1;
	if (m->process.fd < 0)
		return err_sys(e, "pidfd_open %d", (int)m->pid);
	if (fd_set_nonblock(m->out.source.fd, e) || fd_set_nonblock(m->err.source.fd, e) ||
	    loop_add(m->loop, &m->process, LOOP_READ, e) ||
	    loop_add(m->loop, &m->out.source, LOOP_READ, e) ||
	    loop_add(m->loop, &m->err.source, LOOP_READ, e))
		return -1;
	if (m->output_fd >= 0 && fd_set_nonblock(m->output_fd, NULL))
		fd_close(&m->output_fd);
	return 0;
}

static int record_exit(struct monitor *m, struct err *e)
{
	struct box_exit exit = {
		.status = (uint64_t)(WIFSIGNALED(m->wait_status) ? 128 + WTERMSIG(m->wait_status) :
				     WEXITSTATUS(m->wait_status)),
		.oom_kills = cgroup_oom_kills(m->events_fd),
		.log_lost_bytes = m->log.lost_bytes,
	};

	str_copy(exit.said, sizeof(exit.said), tail_text(&m->said));
	if (exit.log_lost_bytes)
		log_warn("%llu bytes of output are not in the log: the data disk did not take them",
			 (unsigned long long)exit.log_lost_bytes);
	return state_save_exit(MONITOR_STATE_FD, &exit, e);
}

int monitor_run(pid_t pid, uint64_t log_bytes, struct err *e)
{
	static struct monitor
		m; /* 32 KiB of line buffers: not for a stack, and there is one per process */
	int failed;

	m.pid = pid;
	m.out = (struct stream){ .source.fd = MONITOR_STDOUT_FD, .monitor = &m, .name = "stdout" };
	m.err = (struct stream){ .source.fd = MONITOR_STDERR_FD, .monitor = &m, .name = "stderr" };
	/* Before anything else takes a number that was left free. */
	m.events_fd = fcntl(MONITOR_EVENTS_FD, F_GETFD) < 0 ? -1 : MONITOR_EVENTS_FD;
	m.output_fd = fcntl(MONITOR_OUTPUT_FD, F_GETFD) < 0 ? -1 : MONITOR_OUTPUT_FD;
	if (watch(&m, e))
		return -1;
	/* No log is no reason to lose the container's end. */
	if (outlog_open(&m.log, MONITOR_LOG_FD, log_bytes, e))
		log_warn("%s", e->text);
	failed = loop_run(m.loop, e);
	if (failed)
		return -1;
	finish_stream(&m.out);
	finish_stream(&m.err);
	outlog_close(&m.log);
	return record_exit(&m, e);
}
