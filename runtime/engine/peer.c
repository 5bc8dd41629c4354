/* peer.c - see peer.h. */
#include "engine/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

enum { RETRY_FIRST_MS = 50, RETRY_LONGEST_MS = 1000 };

static void disconnect(struct peer *peer, const char *why)
{
	if (peer->source.fd < 0)
		return;
	log_warn("connection to %s lost: %s", peer->name, why);
	loop_remove(&peer->source);
	fd_close(&peer->source.fd);
	loop_timer_set(peer->loop, &peer->retry, RETRY_FIRST_MS);
	peer->retry_ms = RETRY_FIRST_MS;
	peer->lost(peer);
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct peer *peer = owner_of(source, struct peer, source);
	struct err e;
	int status;

	(void)events;
	/* One message per event: its callback may have closed the connection. */
	status = msg_receive(source->fd, &peer->in, &e);
	if (status == 0) {
		disconnect(peer, "it was closed");
	} else if (status < 0) {
		if (e.number != EAGAIN)
			disconnect(peer, e.text);
	} else {
		status = peer->message(peer, &peer->in, &e);
		msg_finish(&peer->in);
		if (status < 0)
			disconnect(peer, e.text);
	}
}

static int try_connect(struct peer *peer, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(e, "socket");
	if (connect(fd, (struct sockaddr *)&peer->address, sizeof(peer->address)) < 0)
		return err_sys(e, "connect to %s", peer->address.sun_path);
	peer->source.fd = fd;
	if (loop_add(peer->loop, &peer->source, LOOP_READ, e) < 0) {
		peer->source.fd = -1;
		return -1;
	}
	take_fd(&fd);
	return 0;
}

void peer_connect(struct peer *peer)
{
	struct err e;

	if (peer->source.fd >= 0)
		return;
	if (try_connect(peer, &e) == 0) {
		peer->retry_ms = RETRY_FIRST_MS;
		peer->connected(peer);
		return;
	}
	if (peer->retry_ms == RETRY_FIRST_MS)
		log_warn("%s; trying again", e.text);
	loop_timer_set(peer->loop, &peer->retry, peer->retry_ms);
	peer->retry_ms = peer->retry_ms * 2 < RETRY_LONGEST_MS ? peer->retry_ms * 2 :
								 RETRY_LONGEST_MS;
}

static void on_retry(struct loop_timer *timer)
{
	peer_connect(owner_of(timer, struct peer, retry));
}

void peer_init(struct peer *peer, struct loop *loop, const char *socket_path)
{
	peer->loop = loop;
	peer->source = (struct loop_source){ .fd = -1, .on_event = on_event };
	peer->retry.on_time = on_retry;
	peer->retry_ms = RETRY_FIRST_MS;
	peer->address.sun_family = AF_UNIX;
	if (!str_copy(peer->address.sun_path, sizeof(peer->address.sun_path), socket_path))
		abort();	/* a constant of ours */
}

void peer_finish(struct peer *peer)
{
	loop_timer_off(&peer->retry);
	loop_remove(&peer->source);
	fd_close(&peer->source.fd);
}

bool peer_is_there(const struct peer *peer)
{
	return peer->source.fd >= 0;
}

int peer_send(struct peer *peer, struct err *e)
{
	if (peer->source.fd < 0)
		return err_set(e, "%s is not there", peer->name);
	if (msg_send(peer->source.fd, &peer->out, e) == 0)
		return 0;
	if (e->number != EMSGSIZE)
		shutdown(peer->source.fd, SHUT_RDWR);
	return -1;
}
