/* peer.c - see peer.h */
#include "lib/peer.h"

#include <sys/socket.h>
#include <sys/time.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"

enum { SEND_TIMEOUT_S = 5 };

static void drop(struct peer *p)
{
	struct err e;

	loop_remove(&p->connection);
	fd_close(&p->connection.fd);
	p->on_change(p);
	if (loop_add(p->loop, &p->listener, LOOP_READ, &e))
		log_err("%s", e.text);
}

static void on_request(struct loop_source *source, unsigned events)
{
	struct peer *p = owner_of(source, struct peer, connection);
	struct err e;
	struct msg m;
	int got = msg_receive(source->fd, &m, &e);

	(void)events;
	if (got == 0) {
		log_info("%s is gone; what it asked for goes on", p->name);
	} else if (got < 0) {
		log_warn("%s: %s", p->name, e.text);
	} else {
		got = p->on_message(p, &m, &e) ? -1 : 1;
		msg_finish(&m);
		if (got < 0)
			log_err("%s: %s; connection closed", p->name, e.text);
	}
	if (got <= 0)
		drop(p);
}

static void on_connection(struct loop_source *source, unsigned events)
{
	struct peer *p = owner_of(source, struct peer, listener);
	const struct timeval limit = { .tv_sec = SEND_TIMEOUT_S };
	struct err e;

	(void)events;
	p->connection.fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
	if (p->connection.fd < 0)
		return;
	setsockopt(p->connection.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	loop_remove(source);
	if (loop_add(p->loop, &p->connection, LOOP_READ, &e)) {
		log_err("%s", e.text);
		drop(p);
		return;
	}
	p->on_change(p);
}

int peer_listen(struct peer *p, struct loop *loop, int listen_fd, struct err *e)
{
	p->loop = loop;
	p->listener = (struct loop_source){ .fd = listen_fd, .on_event = on_connection };
	p->connection = (struct loop_source){ .fd = -1, .on_event = on_request };
	return loop_add(loop, &p->listener, LOOP_READ, e);
}

int peer_fd(const struct peer *p)
{
	return p->connection.fd;
}
