/* container_socket.c - see container_socket.h */
#include "net/container_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "net/net_ns.h"
#include "net/plug.h"

/* The mark's route is by the loopback device: who names another one (SO_BINDTODEVICE) is past it.
 * So it has this one, which a gateway has no power to change (sock_bindtoindex_locked in
 * net/core/sock.c). */
static int make_transparent(int fd, int family, struct err *e)
{
	int on = 1, mark = PLUG_MARK, loopback = 1; /* its index, in every namespace */
	int failed;

	if (family == AF_INET6)
		failed = setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
	else
		failed = setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	if (failed || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &loopback, sizeof(loopback)) < 0)
		return err_sys(e, "make a transparent socket in its namespace");
	return 0;
}

static int make(int family, bool is_transparent, struct err *e)
{
	AUTO_FD int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int on = 1;

	if (fd < 0)
		return err_sys(e, "make a socket in its namespace");
	/* An urgent byte of the container's is passed on in its place (gate/relay.h). */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	return is_transparent && make_transparent(fd, family, e) < 0 ? -1 : take_fd(&fd);
}

int container_sockets_make(int ns_fd, int own_ns_fd, int family, bool is_transparent, int *fds,
			   int count, struct err *e)
{
	int made = 0;

	if (net_ns_enter(ns_fd, e))
		return -1;
	while (made < count) {
		fds[made] = make(family, is_transparent, e);
		if (fds[made] < 0)
			break;
		made++;
	}
	net_ns_return(own_ns_fd);
	if (made == count)
		return 0;
	while (made > 0)
		fd_close(&fds[--made]);
	return -1;
}
