/* netd - keeper of networks: the namespaces, devices, routes and sockets that containers are
 * reached by, and of their gateways. Started by svd.
 *
 * usage: netd (no arguments)
 *   passed fds: notify, netd.sock (a listening SEQPACKET socket; engined is the only one who may
 * connect)
 *
 * Its jail is a capability list and a list of system calls: no mount, no file made, renamed or
 * removed, no other process looked into. It reads messages of two kinds type by type (wire.h):
 * engined's, and those of gateways, which are believed nothing; what rtnetlink(7) says; and
 * resolv.conf. No packet, no name of a file. */
#include <linux/capability.h>
#include <signal.h>

#include "box/caps.h"
#include "lib/err.h"
#include "lib/jail.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/peer.h"
#include "lib/proc.h"
#include "net/nets.h"

#define CAP(name) (1ull << CAP_##name)

/* NET_ADMIN: devices, routes, transparent sockets, sysctls. NET_RAW: captures' sockets. SYS_ADMIN:
 * setns(2), unshare(2). NET_BIND_SERVICE: ports below 1024. SETUID, SETGID, KILL: the gateways.
 * SETPCAP: to drop the others, itself included. */
static const uint64_t needed_caps = CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(SYS_ADMIN) |
				    CAP(NET_BIND_SERVICE) | CAP(SETUID) | CAP(SETGID) | CAP(KILL);

/* tests/system/net.sh and net_gate.sh walk all of them. */
static const char *const syscalls[] = {
	/* the loop, its children, messages */
	"epoll_wait",
	"epoll_pwait",
	"epoll_ctl",
	"clock_gettime",
	"read",
	"recvmsg",
	"sendmsg",
	"recvfrom",
	"sendto",
	"close",
	"fcntl",
	"wait4",
	"kill",
	"pidfd_open",
	"socketpair",
	"gettid",
	"getpid",
	/* namespaces, devices, sysctls, resolv.conf */
	"setns",
	"unshare",
	"open",
	"openat",
	"fstat",
	"newfstatat",
	"ioctl",
	"lseek",
	"sysinfo",
	/* sockets: published ports, those inside containers, rtnetlink */
	"socket",
	"bind",
	"listen",
	"accept4",
	"setsockopt",
	"getsockname",
	/* from vfork to exec */
	"vfork",
	"clone",
	"dup2",
	"close_range",
	"chdir",
	"prlimit64",
	"setgroups",
	"setresgid",
	"setresuid",
	"prctl",
	"execve",
	/* gated's start: libc, its carriers, and its own jail and theirs */
	"fork",
	"sched_getaffinity",
	"sched_setscheduler",
	"setpriority",
	"arch_prctl",
	"set_tid_address",
	"set_robust_list",
	"mprotect",
	"getgroups",
	"capget",
	"capset",
	"landlock_create_ruleset",
	"landlock_add_rule",
	"landlock_restrict_self",
	"seccomp",
	"epoll_create1",
	"getuid",
	"getgid",
	/* gated's work (prog/gated.c has its list) */
	"readv",
	"writev",
	"connect",
	"shutdown",
	"getsockopt",
	"splice",
	"pipe2",
	"getrandom",
	NULL,
};

struct netd {
	struct loop *loop;
	struct nets nets;
	struct peer peer;
};

static int on_message(struct peer *p, struct msg *m, struct err *e)
{
	return nets_request(&owner_of(p, struct netd, peer)->nets, m, e);
}

static void on_peer(struct peer *p)
{
	owner_of(p, struct netd, peer)->nets.peer_fd = peer_fd(p);
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
	static struct netd d = {
		.peer = { .name = "engined", .on_message = on_message, .on_change = on_peer }
	};
	struct err e;
	int listen_fd;

	log_init("netd", LOG_LEVEL_INFO);
	listen_fd = proc_passed_fd("netd.sock");
	if (listen_fd < 0)
		die("no socket was passed under the name netd.sock; svd starts this program");
	signal(SIGPIPE, SIG_IGN);
	if (give_up_powers(&e))
		die("%s", e.text);
	d.loop = loop_create(&e);
	if (!d.loop || loop_signals(d.loop, signals, on_signal, &d, &e) ||
	    nets_open(&d.nets, d.loop, &e) || jail_syscalls(syscalls, &e))
		die("%s", e.text);
	if (peer_listen(&d.peer, d.loop, listen_fd, &e))
		die("%s", e.text);
	proc_tell_ready();
	if (loop_run(d.loop, &e))
		die("%s", e.text);
	nets_finish(&d.nets);
	return 0;
}
