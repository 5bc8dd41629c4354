/* container_socket.c - see container_socket.h */
#include "net/container_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "net/net_ns.h"
#include "net/plug.h"

static int make(int family, bool is_transparent, struct err *e)
{
	AUTO_FD int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int on = 1, mark = PLUG_MARK;
	int failed = 0;

	if (fd < 0)
		return err_sys(e, "make a socket in its namespace");
	/* An urgent byte of the container's is passed on in its place (gate/relay.h). */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	if (is_transparent && family == AF_INET6)
		failed = setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
	else if (is_transparent)
		failed = setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	if (failed ||
	    (is_transparent && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0))
		return err_sys(e, "make a transparent socket in its namespace");
	return take_fd(&fd);
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
