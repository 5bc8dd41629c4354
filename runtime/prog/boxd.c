/* boxd - the privileged maker of containers. Started by svd.
 *
 * usage: boxd (no arguments)
 *   passed fds: notify, boxd.sock (a listening SEQPACKET socket; engined is the only one who may
 * connect)
 *
 * Its jail is its capability list and that it has no network socket. It cannot wear a seccomp list,
 * Landlock or no_new_privs: containers inherit all three. What it reads from outside is one message
 * type by type (wire.h) and one sealed specification, both strictly. */
#include <linux/capability.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "box/caps.h"
#include "box/host.h"
#include "box/verbs.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/proc.h"

enum { SEND_TIMEOUT_S = 5 };	/* an engined that reads nothing must not stop us for good */

#define CAP(name) (1ull << CAP_##name)

/* Each for a step of box/stage.c: mounts, namespaces, limits; ids and id maps; chown and access of
 * files in writable layers and volumes; signals to containers. Not: network, modules, raw I/O,
 * ptrace, time. */
static const uint64_t needed_caps = CAP(SYS_ADMIN) | CAP(SYS_CHROOT) | CAP(SYS_RESOURCE) |
				    CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(SETFCAP) |
				    CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) |
				    CAP(KILL) | CAP(MKNOD) | CAP(DAC_READ_SEARCH);

struct boxd {
	struct loop *loop;
	struct boxes *boxes;
	struct loop_source listener, peer;
};

static void drop_peer(struct boxd *d)
{
	struct err e;

	boxes_set_peer(d->boxes, -1);
	loop_remove(&d->peer);
	fd_close(&d->peer.fd);
	if (loop_add(d->loop, &d->listener, LOOP_READ, &e))
		log_err("%s", e.text);
}

static void on_request(struct loop_source *source, unsigned events)
{
	struct boxd *d = owner_of(source, struct boxd, peer);
	struct err e;
	struct msg m;
	int got = msg_receive(source->fd, &m, &e);

	(void)events;
	if (got == 0) {
		log_info("engined is gone; containers go on");
	} else if (got < 0) {
		log_warn("engined: %s", e.text);
	} else {
		got = boxes_request(d->boxes, &m, &e) ? -1 : 1;
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
	struct boxd *d = owner_of(source, struct boxd, listener);
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
	boxes_set_peer(d->boxes, d->peer.fd);
}

static void on_signal(void *ctx, int number)
{
	struct boxd *d = ctx;

	(void)number;
	loop_stop(d->loop); /* containers go on: engined decides about them, or the machine's end
			       does */
}

static int give_up_powers(struct err *e)
{
	/* boxmon is run by exec as root, so it keeps what the bounding set leaves; containers start
	 * from a new user namespace and are bounded by their own specification. */
	uint64_t keep = needed_caps & caps_permitted();

	return caps_bound(needed_caps, e) ? -1 : caps_set(keep, keep, 0, e);
}

int main(void)
{
	static const int signals[] = { SIGTERM, SIGINT, 0 };
	static struct box_host host;
	static struct boxd d = { .peer.fd = -1 };
	struct err e;

	log_init("boxd", LOG_LEVEL_INFO);
	d.listener.fd = proc_passed_fd("boxd.sock");
	if (d.listener.fd < 0)
		die("no socket was passed under the name boxd.sock; svd starts this program");
	signal(SIGCHLD, SIG_IGN);	/* stages are watched by pidfd, deleters by nobody */
	signal(SIGPIPE, SIG_IGN);
	if (give_up_powers(&e) || box_host_open(&host, &e))
		die("%s", e.text);
	d.loop = loop_create(&e);
	if (!d.loop || loop_signals(d.loop, signals, on_signal, &d, &e))
		die("%s", e.text);
	d.boxes = boxes_create(d.loop, &host, &e);
	d.listener.on_event = on_connection;
	if (!d.boxes || loop_add(d.loop, &d.listener, LOOP_READ, &e))
		die("%s", e.text);
	proc_tell_ready();
	if (loop_run(d.loop, &e))
		die("%s", e.text);
	return 0;
}
