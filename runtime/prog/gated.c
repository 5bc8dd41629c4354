/* gated - the gateway of one network. Started by netd, one for each network.
 *
 * usage: gated NETWORK
 *   passed fds: netd (a SEQPACKET connection; everything else comes by it, and its end is ours)
 *
 * It reads what containers and the world outside send, so it has nothing: user and group `gate`, no
 * capabilities, no file, the system calls below. gate/gate.h says what it does. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "gate/accept.h"
#include "gate/carriers.h"
#include "gate/gate.h"
#include "gate/naming.h"
#include "gate/outward.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/jail.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/proc.h"

enum { GATE_UID = 103, GATE_GID = 103 };	/* rootfs/etc/passwd */

/* With those of lib/jail.c at most 40 (tests/system/gate_ports.sh counts them). */
static const char *const syscalls[] = {
	/* the loop and time */
	"epoll_wait", "epoll_pwait", "epoll_ctl", "clock_gettime",
	/* netd's messages, datagrams */
	"recvmsg", "sendmsg", "recvfrom", "sendto",
	/* the TUN devices */
	"read", "readv", "writev",
	/* sockets; those of IP are made by leave of `inet_sockets`, and set by `options` */
	"bind", "connect", "accept4", "shutdown", "getsockopt", "getsockname", "close",
	/* published ports */
	"splice", "pipe2", "fcntl",
	/* seeds, ids of questions, ports */
	"getrandom",
	/* malloc, when the heap has met another mapping */
	"mprotect", NULL,
};

/* None that chooses a device, a route or a filter: SO_BINDTODEVICE, IP_OPTIONS, SO_ATTACH_FILTER.
 */
static const struct jail_option options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_LINGER },
	{ SOL_SOCKET, SO_OOBINLINE },
	{ SOL_SOCKET, SO_RCVLOWAT },
	{ SOL_SOCKET, SO_REUSEADDR },
	{ IPPROTO_TCP, TCP_CONGESTION },
	{ IPPROTO_TCP, TCP_KEEPCNT },
	{ IPPROTO_TCP, TCP_KEEPIDLE },
	{ IPPROTO_TCP, TCP_KEEPINTVL },
	{ IPPROTO_TCP, TCP_NODELAY },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ IPPROTO_IP, IP_PKTINFO },
	{ IPPROTO_IP, IP_RECVERR },
	{ IPPROTO_IP, IP_TTL },
	{ IPPROTO_IPV6, IPV6_RECVERR },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS },
	{ 0 },
};

/* Carriers are made inside, since out of it no signal of ours comes, nor the one that says that we
 * have ended (landlock(7): LANDLOCK_SCOPE_SIGNAL). That and all before it needs more system calls.
 */
static void enter_jail(void)
{
	const struct jail_spec spec = {
		.program = "gated",
		.uid = GATE_UID,
		.gid = GATE_GID,
		.allow_connect_tcp = true,
		.allow_bind_tcp = true,	/* to a client's address, in a container's namespace */
		.all_syscalls = true,	/* until forbid_calls */
	};
	struct err e;

	if (jail_enter(&spec, &e) < 0)
		die("%s", e.text);
}

static void forbid_calls(void)
{
	const struct jail_spec spec = {
		.program = "gated",
		.syscalls = syscalls,
		.inet_sockets = true,
		.socket_options = options,
	};
	struct err e;

	if (jail_filter(&spec, &e) < 0)
		die("%s", e.text);
}

/* What a carrier does with sockets that others made: move their bytes. */
static const char *const carrier_syscalls[] = {
	"epoll_wait", "epoll_pwait", "epoll_ctl", "clock_gettime", "recvmsg",	 "sendmsg",
	"recvfrom",   "sendto",	     "shutdown",  "getsockopt",	   "close",	 "splice",
	"pipe2",      "fcntl",	     "mprotect",  NULL,
};

static const struct jail_option carrier_options[] = {
	{ SOL_SOCKET, SO_LINGER },
	{ SOL_SOCKET, SO_RCVLOWAT },
	{ 0 },
};

static void enter_carrier_jail(void)
{
	const struct jail_spec spec = {
		.program = "gate-carrier",
		.uid = GATE_UID,
		.gid = GATE_GID,
		.syscalls = carrier_syscalls,
		.socket_options = carrier_options,
	};
	struct err e;

	if (jail_enter(&spec, &e) < 0)
		die("%s", e.text);
}

/* Two for each connection: as many as whoever started us allows. */
static void raise_fd_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int main(int argc, char **argv)
{
	int control_fd = proc_passed_fd("netd");
	struct carriers *carriers;
	struct naming *naming;
	struct outward *outward;
	struct accept *accept;
	struct loop *loop;
	struct gate *g;
	struct err e;

	log_init("gated", LOG_LEVEL_INFO);
	if (argc != 2 || control_fd < 0)
		die("usage: gated NETWORK, started by netd with its connection as fd `netd`");
	/* A reader that went away is an error of the write, not our end. */
	signal(SIGPIPE, SIG_IGN);
	/* Nobody waits for a carrier: its channel tells. */
	signal(SIGCHLD, SIG_IGN);
	raise_fd_limit();
	enter_jail();
	carriers = carriers_create(CARRIERS_MAX, enter_carrier_jail);
	loop = loop_create(&e);
	g = loop ? gate_create(loop, control_fd, &e) : NULL;
	if (!g)
		die("%s: %s", argv[1], e.text);
	naming = naming_create(g);
	outward = outward_create(g);
	accept = accept_create(g, carriers);
	carriers_serve(carriers, loop);
	forbid_calls();
	if (loop_run(loop, &e) < 0)
		die("%s: %s", argv[1], e.text);
	gate_destroy(g);
	accept_destroy(accept);
	carriers_destroy(carriers);
	outward_destroy(outward);
	naming_destroy(naming);
	loop_destroy(loop);
	return 0;
}
