/* capture_client.c - see capture_client.h. */
#include "engine/capture_client.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/capture_file.h"
#include "engine/document.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "wire/wire.h"

enum {
	NAME_BYTES = DOCUMENT_NAME_BYTES + 8,
	WHY_BYTES = 256,
	LOST_BYTES = 96,
	LAST_TAKES = 8,	/* of what came before the end: more than the socket holds */
};

static const char FOLDER[] = "captures";

struct capture_client {
	const struct capture_wish *wish;
	int engine_fd, packet_fd, dir_fd;
	struct msg *m;
	char name[NAME_BYTES];
	struct capture_file *file;
	char why[WHY_BYTES];	/* it ended; "" = it goes on */
};

/* The engine's next message, of this type: 0, or -1 when it refuses, is gone, or speaks another
 * language. */
static int hear(struct capture_client *c, uint32_t type, struct err *e)
{
	struct err unread;
	int got = msg_receive(c->engine_fd, c->m, e);

	if (got == 0)
		return err_set(e, "the engine ended the connection: try again");
	if (got < 0)
		return -1;
	if (!wire_allowed(c->m->type, WIRE_ENGINED, WIRE_ENGINECTL, c->m->fd_count) ||
	    (c->m->type != type && c->m->type != WIRE_CONTROL_FAILED))
		return err_set(e, "the engine answers in a language of another version");
	if (c->m->type == type)
		return 0;
	err_set(e, "%s", msg_get_str(c->m));
	return msg_end(c->m, &unread) < 0 ? err_set(e, "%s", unread.text) : -1;
}

static int ask(struct capture_client *c, struct err *e)
{
	msg_init(c->m, WIRE_CONTROL_CAPTURE);
	msg_put_str(c->m, c->wish->container);
	msg_put_u64(c->m, c->wish->seconds);
	msg_put_u64(c->m, c->wish->bytes_max);
	if (msg_send(c->engine_fd, c->m, e) < 0 || hear(c, WIRE_CONTROL_PACKETS, e) < 0)
		return -1;
	c->packet_fd = msg_take_fd(c->m);
	return msg_end(c->m, e);
}

static int open_file(struct capture_client *c, int state_fd, struct err *e)
{
	snprintf(c->name, sizeof(c->name), "%s.pcap", c->wish->container);
	if (fs_make_dir_at(state_fd, FOLDER, 0700, e) < 0)
		return -1;
	c->dir_fd = fs_open_dir_at(state_fd, FOLDER, e);
	if (c->dir_fd < 0)
		return -1;
	c->file = capture_file_create(c->dir_fd, c->name, c->wish->bytes_max, e);
	return c->file ? 0 : -1;
}

/* The first reason is the one. */
static void say_why(struct capture_client *c, const char *why)
{
	if (!*c->why)
		str_copy(c->why, sizeof(c->why), why);
}

static int take(struct capture_client *c, struct err *e)
{
	if (capture_file_take(c->file, c->packet_fd, e) < 0)
		return -1;
	if (capture_file_is_full(c->file))
		say_why(c, "its size is reached");
	return 0;
}

/* What came before the end is not left behind. */
static int take_last(struct capture_client *c, struct err *e)
{
	int k;

	for (k = 0; k < LAST_TAKES && !*c->why; k++)
		if (take(c, e) < 0)
			return -1;
	return 0;
}

static int hear_why(struct capture_client *c, struct err *e)
{
	if (hear(c, WIRE_CONTROL_LINE, e) < 0)
		return -1;
	say_why(c, msg_get_str(c->m));
	return msg_end(c->m, e);
}

/* What ends it comes first: packets may come without an end. */
static int step(struct capture_client *c, struct err *e)
{
	struct pollfd all[] = {
		{ .fd = c->engine_fd, .events = POLLIN },
		{ .fd = c->wish->stop_fd, .events = POLLIN },
		{ .fd = c->packet_fd, .events = POLLIN },
	};

	if (poll(all, 3, -1) < 0)
		return errno == EINTR ? 0 : err_sys(e, "poll");
	if (!all[0].revents && !all[1].revents)
		return take(c, e);
	if (take_last(c, e) < 0)
		return -1;
	if (all[0].revents)
		return hear_why(c, e);
	say_why(c, "it was ended by hand");
	return 0;
}

/* "" when nothing is missing. */
static void say_lost(const struct capture_client *c, char lost[LOST_BYTES])
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);

	*lost = '\0';
	getsockopt(c->packet_fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	if (stats.tp_drops)
		snprintf(lost, LOST_BYTES,
			 "; %u packets came faster than they could be written and are missing",
			 stats.tp_drops);
}

static int fail(const struct capture_client *c, const char *lost, struct err *e)
{
	uint64_t packets = capture_file_packets(c->file);

	if (packets)
		return err_add(e, "%" PRIu64 " packets are in %s/%s/%s, then it ended%s", packets,
			       c->wish->state_path, FOLDER, c->name, lost);
	/* It is this one's file still: the engine lets nobody else capture that container. */
	unlinkat(c->dir_fd, c->name, 0);
	return err_add(e, "no packet was written down, then it ended%s", lost);
}

static int run(struct capture_client *c, int state_fd, char *said, size_t said_bytes, struct err *e)
{
	char lost[LOST_BYTES];
	int status = 0;

	if (ask(c, e) < 0 || open_file(c, state_fd, e) < 0)
		return -1;
	while (status == 0 && !*c->why)
		status = step(c, e);
	say_lost(c, lost);
	if (status < 0)
		return fail(c, lost, e);
	snprintf(said, said_bytes, "%" PRIu64 " packets, %" PRIu64 " bytes in %s/%s/%s: %s%s",
		 capture_file_packets(c->file), capture_file_bytes(c->file), c->wish->state_path,
		 FOLDER, c->name, c->why, lost);
	return 0;
}

int capture_client_run(const struct capture_wish *wish, int engine_fd, int state_fd, struct msg *m,
		       char *said, size_t said_bytes, struct err *e)
{
	struct capture_client c = { .wish = wish, .engine_fd = engine_fd, .packet_fd = -1,
				    .dir_fd = -1, .m = m };
	int done = run(&c, state_fd, said, said_bytes, e);

	capture_file_destroy(c.file);
	fd_close(&c.packet_fd);
	fd_close(&c.dir_fd);
	return done;
}
