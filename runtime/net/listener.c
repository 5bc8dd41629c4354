/* listener.c - see listener.h */
#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/address.h"
#include "lib/err.h"
#include "lib/fd.h"

enum {
	QUEUE = 4096
}; /* connections that wait while a gateway starts; net.core.somaxconn bounds it */

static int set_options(int fd, int protocol, const struct address *a, int only_6, struct err *e)
{
	int on = 1;

	if (a->family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_6, sizeof(only_6)) < 0)
		return err_sys(e, "listen for both families");
	/* Not UDP: there it would let two share a port. */
	if (protocol == IPPROTO_TCP &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_sys(e, "take a port again at once");
	return 0;
}

static int explain(const char *address, uint16_t port, struct err *e)
{
	const char *where = address[0] ? address : "every address";

	switch (errno) {
	case EADDRINUSE:
		err_set(e, "port %u of %s is in use already: choose another one, or stop what "
			   "listens there", port, where);
		break;
	case EADDRNOTAVAIL:
		err_set(e,
			"this machine has no address %s to listen on: take one of its own, or none "
			"for all",
			where);
		break;
	default:
		err_sys(e, "listen on port %u of %s", port, where);
	}
	if (e)
		e->number = errno;
	return -1;
}

int listener_open(int protocol, const char *address, uint16_t *port, struct err *e)
{
	int type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	struct address a = { .family = AF_INET6 };
	struct sockaddr_storage s;
	socklen_t size = sizeof(s);
	AUTO_FD int fd = -1;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return err_set(e, "protocol %d cannot be published: only tcp and udp", protocol);
	if (address[0] && !address_parse(address, &a))
		return err_set(e, "%s is no address to listen on", address);
	fd = socket(a.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0 && errno == EAFNOSUPPORT && !address[0]) {
		a.family = AF_INET;	/* a kernel without IPv6 */
		fd = socket(a.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	}
	if (fd < 0)
		return err_sys(e, "listen on port %u", *port);
	if (set_options(fd, protocol, &a, address[0] != '\0', e))
		return -1;
	size = address_to_socket(&a, *port, &s);
	if (bind(fd, (struct sockaddr *)&s, size) < 0 ||
	    (protocol == IPPROTO_TCP && listen(fd, QUEUE) < 0))
		return explain(address, *port, e);
	size = sizeof(s);
	if (getsockname(fd, (struct sockaddr *)&s, &size) < 0 || !address_of_socket(&s, &a, port))
		return err_sys(e, "ask which port it is");
	return take_fd(&fd);
}

static void put_back_options(int fd)
{
	const struct linger none = { 0 };
	const int usual = -1, never = 0;

	setsockopt(fd, IPPROTO_IP, IP_TTL, &usual, sizeof(usual));
	setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &usual, sizeof(usual));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &never, sizeof(never));
}

bool listener_put_back(int fd, int protocol)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	/* Of UDP nothing tells all: a peer, a port that was freed (__udp_disconnect), an end that
	 * is shut although it has no peer (inet_shutdown). */
	if (protocol != IPPROTO_TCP ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens)
		return false;
	put_back_options(fd);
	return true;
}
