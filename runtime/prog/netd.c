/* netd - keeper of networks: the namespaces, devices, routes and sockets that containers are
 * reached by, and of their gateways. Started by svd.
 *
 * usage: netd (no arguments)
 *   passed fds: notify, netd.sock (a listening SEQPACKET socket; engined is the only one who may
 * connect)
 *
 * Its jail is its capability list. It reads messages of two kinds type by type (wire.h): engined's,
 * and those of gateways, which are believed nothing; what rtnetlink(7) says; and resolv.conf. No
 * packet, no name of a file. */
#include <linux/capability.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "box/caps.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/proc.h"
#include "net/nets.h"

enum { SEND_TIMEOUT_S = 5 }; /* an engined that reads nothing must not stop us for good */

#define CAP(name) (1ull << CAP_##name)

/* NET_ADMIN: devices, routes, transparent sockets, sysctls. SYS_ADMIN: setns(2), unshare(2).
 * NET_BIND_SERVICE: ports below 1024. SETUID, SETGID, KILL: the gateways. SETPCAP: to drop the
 * others, itself included. */
static const uint64_t needed_caps = CAP(NET_ADMIN) | CAP(SYS_ADMIN) | CAP(NET_BIND_SERVICE) |
				    CAP(SETUID) | CAP(SETGID) | CAP(KILL);

struct netd {
	struct loop *loop;
	struct nets nets;
	struct loop_source listener, peer;
};

static void drop_peer(struct netd *d)
{
	struct err e;

	d->nets.peer_fd = -1;
	loop_remove(&d->peer);
	fd_close(&d->peer.fd);
	if (loop_add(d->loop, &d->listener, LOOP_READ, &e))
		log_err("%s", e.text);
}

static void on_request(struct loop_source *source, unsigned events)
{
	struct netd *d = owner_of(source, struct netd, peer);
	struct err e;
	struct msg m;
	int got = msg_receive(source->fd, &m, &e);

	(void)events;
	if (got == 0) {
		log_info("engined is gone; networks go on");
	} else if (got < 0) {
		log_warn("engined: %s", e.text);
	} else {
		got = nets_request(&d->nets, &m, &e) ? -1 : 1;
		msg_finish(&m);
		if (got < 0)
			log_err("engined: %s; connection closed", e.text);
	}
	if (got <= 0)
		drop_peer(d);
}

/* One at a time: the next one waits in the socket's queue until this one ends. */
static void on_connection(struct loop_source *source, unsigned events)
{
	struct netd *d = owner_of(source, struct netd, listener);
	const struct timeval limit = { .tv_sec = SEND_TIMEOUT_S };
	struct err e;

	(void)events;
	d->peer.fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
	if (d->peer.fd < 0)
		return;
	setsockopt(d->peer.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	loop_remove(source);
	d->peer.on_event = on_request;
	if (loop_add(d->loop, &d->peer, LOOP_READ, &e)) {
		log_err("%s", e.text);
		drop_peer(d);
		return;
	}
	d->nets.peer_fd = d->peer.fd;
}

static void on_signal(void *ctx, int number)
{
	struct netd *d = ctx;

	(void)number;
	loop_stop(d->loop);
}

static int give_up_powers(struct err *e)
{
	uint64_t keep = needed_caps & caps_permitted();

	return caps_bound(needed_caps, e) ? -1 : caps_set(keep, keep, 0, e);
}

int main(void)
{
	static const int signals[] = { SIGTERM, SIGINT, 0 };
	static struct netd d = { .peer.fd = -1 };
	struct err e;

	log_init("netd", LOG_LEVEL_INFO);
	d.listener.fd = proc_passed_fd("netd.sock");
	if (d.listener.fd < 0)
		die("no socket was passed under the name netd.sock; svd starts this program");
	signal(SIGPIPE, SIG_IGN);
	if (give_up_powers(&e))
		die("%s", e.text);
	d.loop = loop_create(&e);
	if (!d.loop || loop_signals(d.loop, signals, on_signal, &d, &e) ||
	    nets_open(&d.nets, d.loop, &e))
		die("%s", e.text);
	d.listener.on_event = on_connection;
	if (loop_add(d.loop, &d.listener, LOOP_READ, &e))
		die("%s", e.text);
	proc_tell_ready();
	if (loop_run(d.loop, &e))
		die("%s", e.text);
	nets_finish(&d.nets);
	return 0;
}
