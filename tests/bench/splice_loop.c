/* splice_loop.c - the floor of published ports in `make bench-gate`: splice(2) through one pipe and
 * nothing else, in a process of its own for each direction of each connection. What a relay between
 * two sockets cannot beat: both hops' TCP stays.
 *
 * splice_loop PORT NETNS-PATH TO-PORT    from 127.0.0.1 to 127.0.0.1 there; prints `ready` */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE_BYTES = 1024 * 1024 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in at_port(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr = { htonl(INADDR_LOOPBACK) },
				     .sin_port = htons((unsigned short)atoi(port)) };
}

static int make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	return fd;
}

/* Until its end: in a child. */
static void pass_on(int from_fd, int to_fd)
{
	int ends[2];
	ssize_t n, out;

	if (fork() != 0)
		return;
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe");
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	while ((n = splice(from_fd, NULL, ends[1], NULL, PIPE_BYTES, SPLICE_F_MOVE)) > 0)
		for (; n > 0; n -= out) {
			out = splice(ends[0], NULL, to_fd, NULL, (size_t)n, SPLICE_F_MOVE);
			if (out <= 0)
				_exit(1);
		}
	shutdown(to_fd, SHUT_WR);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here, there;
	int listener, client, server, space;

	if (argc != 4 || (space = open(argv[2], O_RDONLY | O_CLOEXEC)) < 0)
		fail("usage: splice_loop PORT NETNS-PATH TO-PORT");
	here = at_port(argv[1]);
	there = at_port(argv[3]);
	signal(SIGCHLD, SIG_IGN);
	listener = make_socket();
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(listener, 64) < 0)
		fail("listen");
	if (setns(space, CLONE_NEWNET) < 0)
		fail("setns");
	puts("ready");
	fflush(stdout);
	while ((client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		server = make_socket();
		if (connect(server, (struct sockaddr *)&there, sizeof(there)) < 0)
			fail("connect");
		pass_on(client, server);
		pass_on(server, client);
		close(client);
		close(server);
	}
	fail("accept");
}
