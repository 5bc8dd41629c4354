/* play_gate.h - a gateway without lwIP, for tests of netd alone: says what it is told and which
 * packets come on stderr, and serves published TCP ports one connection after the other, with the
 * client's address, by the sockets that it gets. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "lib/time.h"
#include "wire/wire.h"

enum { PORTS_MAX = 256, SOCKETS_MAX = 64, TUNS = 8 };

static struct {
	int fd;
	char key[64], container[64];
	uint16_t port;
} ports[PORTS_MAX];
static int port_count;
static struct {
	int fd;
	char container[64];
} sockets[SOCKETS_MAX];
static struct {
	char container[64];
	struct address address;
} members[PORTS_MAX];
static int member_count;
static struct address gateway;
static int tuns[TUNS] = { [0 ... TUNS - 1] = -1 };

static void want(int netd, const char *container)
{
	struct msg m;

	msg_init(&m, WIRE_GATE_WANT);
	msg_put_str(&m, container);
	msg_put_u64(&m, AF_INET);
	msg_put_u64(&m, 4);
	msg_send(netd, &m, NULL);
}

/* A gateway that is someone else's by now: wants all the sockets that it can get, for ever. */
static void be_greedy(int netd, const char *container)
{
	enum { WANTED = 24000, AT_ONCE = 64 };
	uint64_t start_ns = time_boot_ns();
	int got = 0, asked = 0;
	struct err e;
	struct msg m;

	while (got < WANTED) {
		for (; asked < got + 16 * AT_ONCE; asked += AT_ONCE) {
			msg_init(&m, WIRE_GATE_WANT);
			msg_put_str(&m, container);
			msg_put_u64(&m, AF_INET);
			msg_put_u64(&m, AT_ONCE);
			if (msg_send(netd, &m, &e))
				return;
		}
		if (msg_receive(netd, &m, &e) <= 0)
			return;
		got += m.type == WIRE_GATE_SOCKETS ? m.fd_count : 0;
		msg_finish(&m);
	}
	fprintf(stderr, "gate: %d sockets in %ju ms\n", got,
		(uintmax_t)(time_boot_ns() - start_ns) / 1000000);
}

static int *socket_of(const char *container)
{
	for (int i = 0; i < SOCKETS_MAX; i++)
		if (sockets[i].fd > 0 && str_equal(sockets[i].container, container))
			return &sockets[i].fd;
	return NULL;
}

static int take_socket(const char *container)
{
	int *at = socket_of(container), fd = at ? *at : -1;

	if (at)
		*at = 0;
	return fd;
}

/* poll(2) by the calls that a real gateway may make. */
static int wait_for(struct pollfd *p, int count, int wait_ms)
{
	struct epoll_event event;
	int fd = epoll_create1(EPOLL_CLOEXEC), ready;

	for (int i = 0; i < count; i++) {
		p[i].revents = 0;
		event = (struct epoll_event){ .events = (uint32_t)p[i].events, .data.fd = i };
		if (p[i].fd >= 0)
			epoll_ctl(fd, EPOLL_CTL_ADD, p[i].fd, &event);
	}
	ready = epoll_wait(fd, &event, 1, wait_ms);
	if (ready > 0)
		p[event.data.fd].revents = (short)event.events;
	close(fd);
	return ready;
}

static void relay(int a, int b)
{
	struct pollfd p[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	char data[4096];

	while (wait_for(p, 2, 10000) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, data, sizeof(data)) : -2;

			if (n > 0 && write(p[!i].fd, data, (size_t)n) < 0)
				return;
			if (n == 0)
				return;
		}
}

/* Someone else's by now: out of the container, into a network that it is on too, to 172.19.0.2. */
static void leave(int fd)
{
	struct sockaddr_in to = { AF_INET, htons(8000), { htonl(0xac130002) }, { 0 } };

	fprintf(stderr, "gate: by its own device: %s\n",
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth1", 5) ? strerror(errno) : "done");
	connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static void serve_one(int i)
{
	struct sockaddr_storage from, to;
	socklen_t size = sizeof(from);
	int client = accept4(ports[i].fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
	int fd = client < 0 ? -1 : take_socket(ports[i].container), on = 1;
	struct address a, unmapped;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint16_t port;
	int error = 0;

	if (client < 0)
		return;
	if (str_equal(ports[i].key, "leave"))
		leave(fd);
	address_of_socket(&from, &a, &port);
	unmapped = address_unmapped(&a);
	if (unmapped.bytes[0] == 127)
		unmapped = gateway;
	size = address_to_socket(&unmapped, port, &from);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&from, size) < 0)
		fprintf(stderr, "gate: cannot be the client: %m\n");
	for (int j = 0; j < member_count; j++)
		if (str_equal(members[j].container, ports[i].container))
			size = address_to_socket(&members[j].address, ports[i].port, &to);
	connect(fd, (struct sockaddr *)&to, size);
	wait_for(&p, 1, 5000);
	size = sizeof(error);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		fprintf(stderr, "gate: connect: %s\n", strerror(error));
	else
		relay(client, fd);
	close(fd);
	close(client);
}

/* It gets nothing from anybody any more: shut; or without a port, if the kernel chose that. */
static void spoil(int fd)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int type = SOCK_STREAM;
	socklen_t size = sizeof(type);

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	shutdown(fd, SHUT_RD);
	if (type == SOCK_STREAM)
		return;
	connect(fd, (const struct sockaddr *)&to, sizeof(to));
	connect(fd, &nobody, sizeof(nobody));
}

static void forget_port(const char *key, bool shuts)
{
	for (int i = 0; i < port_count; i++)
		if (str_equal(ports[i].key, key)) {
			shuts ? spoil(ports[i].fd) : (void)close(ports[i].fd);
			ports[i] = ports[--port_count];
		}
}

static void told(int netd, struct msg *m, const char *network)
{
	const char *first = m->type == WIRE_GATE_RESOLVERS || m->type == WIRE_GATE_FORBIDDEN
				    ? "" : msg_get_str(m);
	struct msg again = *m;

	again.at = 0;
	again.owns_fds = false;
	fflush(stdout);
	fprintf(stderr, "gate %s: %s", network, wire_name(m->type));
	while (!again.broken && again.at < again.size_bytes) {
		if (again.data[again.at] == 's')
			fprintf(stderr, " [%s]", msg_get_str(&again));
		else
			fprintf(stderr, " %ju", (uintmax_t)msg_get_u64(&again));
	}
	fprintf(stderr, " fds=%d\n", m->fd_count);
	if (m->type == WIRE_GATE_NETWORK) {
		msg_get_u64(m);
		msg_get_str(m);
		address_parse(msg_get_str(m), &gateway);
		for (int i = 0; m->fd_count && i < TUNS; i++)
			tuns[i] = msg_take_fd(m);
		msg_init(&again, WIRE_GATE_READY);
		msg_send(netd, &again, NULL);
	} else if (m->type == WIRE_GATE_MEMBER && member_count < PORTS_MAX) {
		str_copy(members[member_count].container, 64, first);
		address_parse(msg_get_str(m), &members[member_count++].address);
		if (str_equal(first, "greedy"))
			be_greedy(netd, first);
	} else if (m->type == WIRE_GATE_PUBLISH && m->fd_count == 0) {
		/* What nobody asked for. A shut one is ready for ever: it is not looked at. */
		forget_port(first, true);
	} else if (m->type == WIRE_GATE_PUBLISH && port_count < PORTS_MAX) {
		str_copy(ports[port_count].key, 64, first);
		msg_get_u64(m);
		ports[port_count].port = (uint16_t)msg_get_u64(m);
		ports[port_count].container[0] = '\0';
		ports[port_count++].fd = msg_take_fd(m);
	} else if (m->type == WIRE_GATE_WITHDRAW) {
		forget_port(first, false);
	} else if (m->type == WIRE_GATE_BACKEND) {
		const char *container = msg_get_str(m);

		for (int i = 0; i < port_count; i++)
			if (str_equal(ports[i].key, first))
				str_copy(ports[i].container, 64, container);
		want(netd, container);
	} else if (m->type == WIRE_GATE_SOCKETS) {
		for (int i = 0; i < SOCKETS_MAX && m->fd_count > 0; i++)
			if (sockets[i].fd == 0) {
				int fd = msg_take_fd(m);

				if (fd < 0)
					break;
				sockets[i].fd = fd;
				str_copy(sockets[i].container, 64, first);
			}
	} else if (m->type == WIRE_GATE_STATS) {
		msg_init(&again, WIRE_GATE_COUNTERS);
		msg_put_str(&again, first);
		for (uint64_t i = 1; i < 4; i++)
			msg_put_u64(&again, i * 11);
		msg_send(netd, &again, NULL);
	}
}

/* `gate NET: packet SOURCE > DESTINATION`, behind the virtio-net header. */
static void say_packet(const char *network, int tun)
{
	enum { VNET_BYTES = 10 };
	static unsigned char data[VNET_BYTES + 65536];
	ssize_t n = read(tun, data, sizeof(data));
	const unsigned char *p = data + VNET_BYTES;
	bool is_6 = n > VNET_BYTES && p[0] >> 4 == 6;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (n < VNET_BYTES + (is_6 ? 40 : 20))
		return;
	inet_ntop(is_6 ? AF_INET6 : AF_INET, p + (is_6 ? 8 : 12), from, sizeof(from));
	inet_ntop(is_6 ? AF_INET6 : AF_INET, p + (is_6 ? 24 : 16), to, sizeof(to));
	fprintf(stderr, "gate %s: packet %s > %s\n", network, from, to);
}

static int play_gate(const char *network)
{
	static char buffer[8192];
	int netd = 3;
	struct err e;
	static struct msg m;

	/* What a real one's words become; then as many as it likes. */
	dprintf(STDOUT_FILENO, "err netd: forged\x1b[31m\n");
	dprintf(STDERR_FILENO, "info gated: and plain\n");
	if (!freopen("/run/log", "a", stderr))
		return 1;
	/* Whole lines: several gateways write to one file. */
	setvbuf(stderr, buffer, _IOLBF, sizeof(buffer));
	fprintf(stderr, "gate %s: uid %u gid %u\n", network, getuid(), getgid());
	for (;;) {
		struct pollfd p[PORTS_MAX + 1 + TUNS] = { { .fd = netd, .events = POLLIN } };

		for (int i = 0; i < port_count; i++)
			p[i + 1] = (struct pollfd){
				.fd = socket_of(ports[i].container) ? ports[i].fd : -1,
				.events = POLLIN
			};
		for (int i = 0; i < TUNS; i++)
			p[port_count + 1 + i] =
				(struct pollfd){ .fd = tuns[i], .events = POLLIN };
		wait_for(p, port_count + 1 + TUNS, -1);
		for (int i = 0; i < TUNS; i++)
			if (p[port_count + 1 + i].revents)
				say_packet(network, tuns[i]);
		if (p[0].revents) {
			if (msg_receive(netd, &m, &e) <= 0)
				return 0;
			told(netd, &m, network);
			msg_finish(&m);
			continue;
		}
		for (int i = 0; i < port_count; i++)
			if (p[i + 1].revents) {
				const char *container = ports[i].container;

				serve_one(i);
				want(netd, container);
				break;
			}
	}
}
