/* link.c - see link.h. */
#include "engine/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

enum { RETRY_FIRST_MS = 50, RETRY_LONGEST_MS = 1000 };

static void disconnect(struct link *link, const char *why)
{
	if (link->source.fd < 0)
		return;
	log_warn("connection to %s lost: %s", link->name, why);
	loop_remove(&link->source);
	fd_close(&link->source.fd);
	outbox_finish(&link->outbox);
	loop_timer_set(link->loop, &link->retry, RETRY_FIRST_MS);
	link->retry_ms = RETRY_FIRST_MS;
	link->lost(link);
}

static int flush(struct link *link, struct err *e)
{
	int status = outbox_flush(&link->outbox, link->source.fd, e);

	if (status < 0)
		return -1;
	return loop_change(&link->source, status ? LOOP_READ : LOOP_READ | LOOP_WRITE, e);
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct link *link = owner_of(source, struct link, source);
	struct err e;
	int status;

	if (events & LOOP_WRITE && flush(link, &e) < 0) {
		disconnect(link, e.text);
		return;
	}
	/* One message per event: its callback may have closed the connection. */
	status = msg_receive(source->fd, &link->in, &e);
	if (status == 0) {
		disconnect(link, "it was closed");
	} else if (status < 0) {
		if (e.number != EAGAIN)
			disconnect(link, e.text);
	} else {
		status = link->message(link, &link->in, &e);
		msg_finish(&link->in);
		if (status < 0)
			disconnect(link, e.text);
	}
}

static int try_connect(struct link *link, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(e, "socket");
	if (connect(fd, (struct sockaddr *)&link->address, sizeof(link->address)) < 0)
		return err_sys(e, "connect to %s", link->address.sun_path);
	link->source.fd = fd;
	if (loop_add(link->loop, &link->source, LOOP_READ, e) < 0) {
		link->source.fd = -1;
		return -1;
	}
	take_fd(&fd);
	return 0;
}

void link_connect(struct link *link)
{
	struct err e;

	if (link->source.fd >= 0)
		return;
	if (try_connect(link, &e) == 0) {
		link->retry_ms = RETRY_FIRST_MS;
		link->connected(link);
		return;
	}
	if (link->retry_ms == RETRY_FIRST_MS)
		log_warn("%s; trying again", e.text);
	loop_timer_set(link->loop, &link->retry, link->retry_ms);
	link->retry_ms = link->retry_ms * 2 < RETRY_LONGEST_MS ? link->retry_ms * 2 :
								 RETRY_LONGEST_MS;
}

static void on_retry(struct loop_timer *timer)
{
	link_connect(owner_of(timer, struct link, retry));
}

void link_init(struct link *link, struct loop *loop, const char *socket_path)
{
	link->loop = loop;
	link->source = (struct loop_source){ .fd = -1, .on_event = on_event };
	link->retry.on_time = on_retry;
	outbox_init(&link->outbox);
	link->retry_ms = RETRY_FIRST_MS;
	link->address.sun_family = AF_UNIX;
	if (!str_copy(link->address.sun_path, sizeof(link->address.sun_path), socket_path))
		abort();	/* a constant of ours */
}

void link_finish(struct link *link)
{
	loop_timer_off(&link->retry);
	loop_remove(&link->source);
	fd_close(&link->source.fd);
	outbox_finish(&link->outbox);
}

bool link_is_there(const struct link *link)
{
	return link->source.fd >= 0;
}

static int keep(struct link *link, struct err *e)
{
	outbox_add(&link->outbox, &link->out);
	if (link->outbox.is_full)
		return err_set(e, "%s does not read", link->name);
	return loop_change(&link->source, LOOP_READ | LOOP_WRITE, e);
}

int link_send(struct link *link, struct err *e)
{
	bool waits = link->outbox.first && !link->out.broken;

	if (link->source.fd < 0)
		return err_set(e, "%s is not there", link->name);
	if (!waits && msg_send(link->source.fd, &link->out, e) == 0)
		return 0;
	if (!waits && e->number == EMSGSIZE)
		return -1;
	if ((waits || e->number == EAGAIN) && keep(link, e) == 0)
		return 0;
	shutdown(link->source.fd, SHUT_RDWR);
	return -1;
}
