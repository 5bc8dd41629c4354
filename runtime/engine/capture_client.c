/* capture_client.c - see capture_client.h. */
#include "engine/capture_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/capture_file.h"
#include "engine/network_document.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "wire/wire.h"

enum {
	LAST_WORDS_MS = 1000,	/* from the end of the time to the end of the stream */
	NAME_BYTES = 2 * NETWORK_NAME_BYTES + 8,
};

static const char FOLDER[] = "captures";
static const char LOST[] = " capture_lost=";

struct capture_client {
	const struct capture_wish *wish;
	int engine_fd, pipe_fd;
	struct msg *m;
	char network[NETWORK_NAME_BYTES], name[NAME_BYTES];
	struct capture_file *file;
	bool is_late;		/* the engine has said that its time is over */
	const char *why;	/* it ended; NULL = it goes on */
};

/* The engine's next message: 0, or -1 when it refuses, is gone, or speaks another language. */
static int hear(struct capture_client *c, struct err *e)
{
	struct err unread;
	int got = msg_receive(c->engine_fd, c->m, e);

	if (got == 0)
		return err_set(e, "the engine ended the connection: try again");
	if (got < 0)
		return -1;
	if (!wire_allowed(c->m->type, WIRE_ENGINED, WIRE_ENGINECTL, c->m->fd_count))
		return err_set(e, "the engine answers in a language of another version");
	if (c->m->type != WIRE_CONTROL_FAILED)
		return 0;
	err_set(e, "%s", msg_get_str(c->m));
	return msg_end(c->m, &unread) < 0 ? err_set(e, "%s", unread.text) : -1;
}

static int ask(struct capture_client *c, struct err *e)
{
	const struct capture_wish *w = c->wish;

	msg_init(c->m, WIRE_CONTROL_CAPTURE);
	msg_put_str(c->m, w->container);
	msg_put_str(c->m, w->network);
	msg_put_u64(c->m, w->seconds);
	msg_put_u64(c->m, w->bytes_max);
	if (msg_send(c->engine_fd, c->m, e) < 0 || hear(c, e) < 0)
		return -1;
	c->pipe_fd = msg_take_fd(c->m);
	str_copy(c->network, sizeof(c->network), msg_get_str(c->m));
	return msg_end(c->m, e);
}

static int open_file(struct capture_client *c, int state_fd, struct err *e)
{
	AUTO_FD int dir_fd = -1;

	snprintf(c->name, sizeof(c->name), "%s@%s.pcap", c->wish->container, c->network);
	if (fs_make_dir_at(state_fd, FOLDER, 0700, e) < 0)
		return -1;
	dir_fd = fs_open_dir_at(state_fd, FOLDER, e);
	if (dir_fd < 0)
		return -1;
	c->file = capture_file_create(dir_fd, c->name, c->wish->bytes_max, e);
	return c->file ? 0 : -1;
}

/* The engine says that the time is over before the gateway lets go. */
static bool is_time_over(struct capture_client *c)
{
	struct pollfd engine = { .fd = c->engine_fd, .events = POLLIN };
	struct err e;

	if (!c->is_late && poll(&engine, 1, 0) > 0 && hear(c, &e) == 0)
		c->is_late = true;
	return c->is_late;
}

static int take(struct capture_client *c, struct err *e)
{
	int more = capture_file_take(c->file, c->pipe_fd, e);

	if (more != 0)
		return more < 0 ? -1 : 0;
	if (capture_file_is_full(c->file))
		c->why = "its size is reached";
	else
		c->why = is_time_over(c) ? "its time is over" :
					   "the container or its gateway has ended";
	return 0;
}

/* One step; what is in the pipe comes first, so that nothing of it is left behind. */
static int step(struct capture_client *c, struct err *e)
{
	struct pollfd both[] = {
		{ .fd = c->pipe_fd, .events = POLLIN },
		{ .fd = c->is_late ? -1 : c->engine_fd, .events = POLLIN },
	};
	int n = poll(both, 2, c->is_late ? LAST_WORDS_MS : -1);

	if (n < 0)
		return errno == EINTR ? 0 : err_sys(e, "poll");
	if (n == 0)
		c->why = "its time is over";
	else if (both[0].revents)
		return take(c, e);
	else if (hear(c, e) < 0)
		return -1;
	else
		c->is_late = true;
	return 0;
}

/* How many packets the gateway could not hand over in time, as its counters have it. -1 = nobody
 * knows: it has ended. */
static int64_t ask_lost(struct capture_client *c)
{
	char begin[NAME_BYTES];
	int64_t lost = -1;
	bool is_answered = false;
	struct err e;

	snprintf(begin, sizeof(begin), "%s %s ", c->wish->container, c->network);
	msg_init(c->m, WIRE_CONTROL_STATS);
	msg_put_str(c->m, c->wish->container);
	if (msg_send(c->engine_fd, c->m, &e) < 0)
		return -1;
	while (hear(c, &e) == 0) {
		const char *line = c->m->type == WIRE_CONTROL_LINE ? msg_get_str(c->m) : "";
		const char *at = strncmp(line, begin, strlen(begin)) ? NULL : strstr(line, LOST);

		if (at)
			lost = strtoll(at + strlen(LOST), NULL, 10);
		is_answered = is_answered || *line;
		if (c->m->type == WIRE_CONTROL_DONE && (is_answered || c->is_late))
			break;
		/* The end of its time was on its way. */
		c->is_late = c->is_late || c->m->type == WIRE_CONTROL_DONE;
	}
	return lost;
}

static int say(struct capture_client *c, char *said, size_t said_bytes, struct err *e)
{
	int64_t lost = ask_lost(c);
	int n;

	if (capture_file_bytes(c->file) == 0)
		return err_set(e, "its gateway sent nothing: the log says why");
	n = snprintf(said, said_bytes, "%" PRIu64 " packets, %" PRIu64 " bytes in %s/%s: %s",
		     capture_file_packets(c->file), capture_file_bytes(c->file), FOLDER, c->name,
		     c->why);
	if (lost > 0 && n > 0 && (size_t)n < said_bytes)
		snprintf(said + n, said_bytes - (size_t)n,
			 "; %" PRId64 " packets came faster than they could be written and are "
			 "missing",
			 lost);
	return 0;
}

static int run(struct capture_client *c, int state_fd, char *said, size_t said_bytes, struct err *e)
{
	if (ask(c, e) < 0 || open_file(c, state_fd, e) < 0)
		return -1;
	while (!c->why)
		if (step(c, e) < 0)
			return err_add(e, "%" PRIu64 " packets are in %s/%s, then it ended",
				       capture_file_packets(c->file), FOLDER, c->name);
	return say(c, said, said_bytes, e);
}

int capture_client_run(const struct capture_wish *wish, int engine_fd, int state_fd, struct msg *m,
		       char *said, size_t said_bytes, struct err *e)
{
	struct capture_client c = { .wish = wish, .engine_fd = engine_fd, .pipe_fd = -1, .m = m };
	int done = run(&c, state_fd, said, said_bytes, e);

	capture_file_destroy(c.file);
	fd_close(&c.pipe_fd);
	return done;
}
