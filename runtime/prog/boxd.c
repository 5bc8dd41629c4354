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

#include "box/caps.h"
#include "box/host.h"
#include "box/verbs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/peer.h"
#include "lib/proc.h"

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
	struct peer peer;
};

static int on_message(struct peer *p, struct msg *m, struct err *e)
{
	return boxes_request(owner_of(p, struct boxd, peer)->boxes, m, e);
}

static void on_peer(struct peer *p)
{
	boxes_set_peer(owner_of(p, struct boxd, peer)->boxes, peer_fd(p));
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
	static struct boxd d = {
		.peer = { .name = "engined", .on_message = on_message, .on_change = on_peer }
	};
	struct err e;
	int listen_fd;

	log_init("boxd", LOG_LEVEL_INFO);
	listen_fd = proc_passed_fd("boxd.sock");
	if (listen_fd < 0)
		die("no socket was passed under the name boxd.sock; svd starts this program");
	signal(SIGCHLD, SIG_IGN);	/* stages are watched by pidfd, deleters by nobody */
	signal(SIGPIPE, SIG_IGN);
	if (give_up_powers(&e) || box_host_open(&host, &e))
		die("%s", e.text);
	d.loop = loop_create(&e);
	if (!d.loop || loop_signals(d.loop, signals, on_signal, &d, &e))
		die("%s", e.text);
	d.boxes = boxes_create(d.loop, &host, &e);
	if (!d.boxes || peer_listen(&d.peer, d.loop, listen_fd, &e))
		die("%s", e.text);
	proc_tell_ready();
	if (loop_run(d.loop, &e))
		die("%s", e.text);
	return 0;
}
