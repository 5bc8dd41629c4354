/* monitor.c - see monitor.h */
#include "box/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/attach.h"
#include "box/cgroup.h"
#include "box/monitor_control.h"
#include "box/outlog.h"
#include "box/state.h"
#include "box/tail.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "lib/time.h"

enum { FINISH_READS_MAX = 256 }; /* a pipe has at most 256 pages unless a privileged user asks */

struct stream {
	struct loop_source source;
	struct monitor *monitor;
	const char *name;
	unsigned number;			/* ATTACH_STDOUT or ATTACH_STDERR */
	bool ended;				/* nothing more can come */
	size_t held_bytes;			/* of a line that has no end yet */
	char held[OUTLOG_LINE_MAX];
};

struct monitor {
	struct loop *loop;
	struct loop_source process;		/* the pidfd */
	struct stream out, err;
	bool has_log;
	struct outlog log;
	struct attach *attach;
	struct loop_source control;		/* fd -1 = none */
	struct tail said;			/* on standard error */
	int events_fd;				/* -1 = no memory limit to watch */
	int output_fd;				/* -1 = none, or its reader is gone */
	uint64_t output_wait_ms, output_waited_at_ms;	/* may still take, and since when */
	pid_t pid;
	int wait_status;
	bool over;				/* the process has ended */
};

/* The log's lines: whole ones at once, the rest is held until its end comes or the buffer
 * is full. */
static void split_lines(struct stream *s, const char *data, size_t size)
{
	struct outlog *log = &s->monitor->log;

	if (!s->monitor->has_log)
		return;
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

/* All waits together are bounded: what they may still take comes back as time goes by. */
static bool wait_for_reader(struct monitor *m)
{
	struct pollfd p = { .fd = m->output_fd, .events = POLLOUT };
	uint64_t begin_ms = time_boot_ms(), waited_ms;
	uint64_t left_ms =
		m->output_wait_ms + (begin_ms - m->output_waited_at_ms) / MONITOR_OUTPUT_SHARE;
	bool ready;

	if (left_ms > MONITOR_OUTPUT_WAIT_MS)
		left_ms = MONITOR_OUTPUT_WAIT_MS;
	/* A virtio port without a host at its other end is always ready, for a hang-up. */
	ready = poll(&p, 1, (int)left_ms) > 0 && p.revents & POLLOUT;
	m->output_waited_at_ms = time_boot_ms();
	waited_ms = m->output_waited_at_ms - begin_ms;
	m->output_wait_ms = waited_ms < left_ms ? left_ms - waited_ms : 0;
	return ready;
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

	_Static_assert(sizeof(data) <= ATTACH_PUT_MAX, "one read is one put");
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		s->ended = true;
		return -1;
	}
	copy_output(s->monitor, data, (size_t)n);
	attach_put(s->monitor->attach, s->number, data, (size_t)n);
	split_lines(s, data, (size_t)n);
	if (s == &s->monitor->err)
		tail_put(&s->monitor->said, data, (size_t)n);
	return 1;
}

static void on_stream(struct loop_source *source, unsigned events)
{
	struct stream *s = owner_of(source, struct stream, source);

	(void)events;
	/* The clients have no room: the container waits until on_room. */
	if (!attach_has_room(s->monitor->attach) || read_once(s) < 0)
		loop_remove(source);
}

static void resume(struct stream *s)
{
	struct err e;

	if (!s->ended && !s->source.loop && loop_add(s->monitor->loop, &s->source, LOOP_READ, &e))
		log_err("%s", e.text);
}

static void on_room(void *ctx)
{
	struct monitor *m = ctx;

	if (m->over) {
		loop_stop(m->loop);
		return;
	}
	resume(&m->out);
	resume(&m->err);
}

static void take_message(struct monitor *m, struct msg *message)
{
	struct winsize size = { 0 };
	struct err e;

	switch ((enum monitor_message)message->type) {
	case MONITOR_ATTACH: {
		unsigned streams = (unsigned)msg_get_u64(message);
		int client_fd = msg_take_fd(message);

		if (msg_end(message, &e) || attach_add(m->attach, client_fd, streams, &e))
			log_warn("attach: %s", e.text);
		return;
	}
	case MONITOR_RESIZE:
		size.ws_row = (unsigned short)msg_get_u64(message);
		size.ws_col = (unsigned short)msg_get_u64(message);
		/* Without a terminal there is nothing to resize, and nobody to tell. */
		if (msg_end(message, &e) == 0)
			ioctl(m->out.source.fd, TIOCSWINSZ, &size);
		return;
	}
	log_warn("control: unknown message %u", message->type);
}

static void on_control(struct loop_source *source, unsigned events)
{
	static struct msg message; /* 64 KiB that only a large message would touch */
	struct monitor *m = owner_of(source, struct monitor, control);
	struct err e;

	(void)events;
	if (msg_receive(source->fd, &message, &e) <= 0)
		return;
	take_message(m, &message);
	msg_finish(&message);
}

static void finish_lines(struct stream *s)
{
	if (s->held_bytes)
		outlog_put(&s->monitor->log, s->name, s->held, s->held_bytes);
	s->held_bytes = 0;
}

/* What the pipes hold and no more: a container of the same network may have been given our end, and
 * writes to it for ever. */
static int drain(struct monitor *m, struct err *e)
{
	struct stream *streams[] = { &m->out, &m->err };

	for (int i = 0; i < 2; i++) {
		loop_remove(&streams[i]->source);
		for (int reads = 0; reads < FINISH_READS_MAX && !streams[i]->ended; reads++) {
			/* Ends with on_room: a client that takes nothing is cut off in time. */
			if (!attach_has_room(m->attach) && loop_run(m->loop, e))
				return -1;
			if (read_once(streams[i]) <= 0)
				break;
		}
		finish_lines(streams[i]);
	}
	return attach_finish(m->attach) ? 0 : loop_run(m->loop, e);
}

static void on_end(struct loop_source *source, unsigned events)
{
	struct monitor *m = owner_of(source, struct monitor, process);

	(void)events;
	if (waitpid(m->pid, &m->wait_status, WNOHANG) != m->pid)
		return;
	m->over = true;
	loop_remove(source);
	loop_stop(m->loop);
}

static int watch_stream(struct monitor *m, struct stream *s, struct err *e)
{
	if (s->ended)
		return 0;	/* with a terminal there is one stream */
	return fd_set_nonblock(s->source.fd, e) ||
			       loop_add(m->loop, &s->source, LOOP_READ, e)
		       ? -1
		       : 0;
}

static int watch(struct monitor *m, struct err *e)
{
	m->process.fd = (int)syscall(SYS_pidfd_open, m->pid, 0);
	if (m->process.fd < 0)
		return err_sys(e, "pidfd_open %d", (int)m->pid);
	if (watch_stream(m, &m->out, e) || watch_stream(m, &m->err, e) ||
	    loop_add(m->loop, &m->process, LOOP_READ, e))
		return -1;
	if (m->control.fd >= 0 && loop_add(m->loop, &m->control, LOOP_READ, e))
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
	return state_save_exit(MONITOR_STATE_FD, &exit, e);
}

/* The number when the stage has put an fd there. */
static int placed(int fd)
{
	return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
}

static int attach_clients(struct monitor *m, const struct monitor_config *config, struct err *e)
{
	struct attach_config attach = {
		.framed = !config->terminal,
		.input_fd = placed(MONITOR_INPUT_FD),
		.input_once = config->input_once && !config->terminal,
		.on_room = on_room,
		.ctx = m,
	};

	if (attach.input_fd >= 0 && fd_set_nonblock(attach.input_fd, e))
		return -1;
	m->attach = attach_create(m->loop, &attach);
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (config->clients[i] &&
		    attach_add(m->attach, MONITOR_CLIENT_FD + i, config->clients[i], e))
			return -1;
	return 0;
}

static int set_up(struct monitor *m, const struct monitor_config *config, struct err *e)
{
	m->pid = config->pid;
	m->out = (struct stream){ .source.fd = MONITOR_STDOUT_FD, .name = "stdout" };
	m->err = (struct stream){ .source.fd = MONITOR_STDERR_FD, .name = "stderr" };
	m->out.monitor = m->err.monitor = m;
	m->out.number = ATTACH_STDOUT;
	m->err.number = ATTACH_STDERR;
	m->out.source.on_event = m->err.source.on_event = on_stream;
	m->process.on_event = on_end;
	m->control.on_event = on_control;
	/* Before anything else takes a number that was left free. */
	m->has_log = placed(MONITOR_LOG_FD) >= 0;
	m->events_fd = placed(MONITOR_EVENTS_FD);
	m->output_fd = placed(MONITOR_OUTPUT_FD);
	m->output_wait_ms = MONITOR_OUTPUT_WAIT_MS;
	m->control.fd = placed(MONITOR_CONTROL_FD);
	m->err.ended = placed(MONITOR_STDERR_FD) < 0;
	m->loop = loop_create(e);
	return m->loop && attach_clients(m, config, e) == 0 ? watch(m, e) : -1;
}

int monitor_run(const struct monitor_config *config, struct err *e)
{
	static struct monitor
		m; /* 32 KiB of line buffers: not for a stack, and there is one per process */

	if (set_up(&m, config, e))
		return -1;
	if (state_reserve_exit(MONITOR_STATE_FD, e))
		log_warn("%s: should the disk be full then, its end cannot be recorded", e->text);
	/* No log is no reason to lose the container's end. */
	if (m.has_log && outlog_open(&m.log, MONITOR_LOG_FD, config->log_bytes, e))
		log_warn("%s", e->text);
	/* Recorded at once, and again with what the rest of the output came to. */
	if (loop_run(m.loop, e) || record_exit(&m, e) || drain(&m, e))
		return -1;
	if (m.has_log)
		outlog_close(&m.log);
	if (m.log.lost_bytes)
		log_warn("%llu bytes of output are not in the log: the data disk did not take them",
			 (unsigned long long)m.log.lost_bytes);
	return record_exit(&m, e);
}
