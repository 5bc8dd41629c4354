/* clang-format off */
/* netctl - plays svd and engined for netd in tests and benches, and a plain gateway for tests of
 * netd alone.
 *
 *   netctl serve SOCKET PROGRAM    binds the socket and execs the program with it, as svd does
 *   netctl talk SOCKET [WORD...]   one request from the words, or requests from stdin, one a line;
 *                                  each one's answer is a line on stdout, with the time it took
 *
 *   create NET SUBNET4|- GATEWAY4|- SUBNET6|- GATEWAY6|- [internal] [mtu=N] [policy=TEXT]
 *   delete NET
 *   attach NET NAME NETNS-PATH ADDRESS4|- ADDRESS6|- [if=eth0] [mac=MAC] [more] [policy=TEXT]
 *          [name=NAME]...          more: another network has the default route
 *   detach NET NAME
 *   publish NET KEY tcp|udp ADDRESS|- PORT CONTAINER-PORT [least] NAME...
 *   backend NET KEY NAME STATE
 *   withdraw NET KEY
 *   capture NET NAME               the answer's socket is looked at and closed
 *   stats NET NAME
 *   list
 *   pause MS
 *
 * As `gated` it is a gateway without lwIP: says what it is told and which packets come on stderr,
 * and serves published TCP ports one connection after the other, with the client's address, by the
 * sockets that it gets. */
/* clang-format on */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "lib/time.h"
#include "wire/wire.h"
#include "play_svd.h"

enum { WORDS_MAX = 1100, LINE_BYTES = 65536 };

/* ---- requests */

static const char *dash(const char *word)
{
	return str_equal(word, "-") ? "" : word;
}

static uint64_t number(const char *word)
{
	uint64_t value;

	if (!str_to_u64(word, &value))
		die("%s is no number", word);
	return value;
}

/* The value of `key=value` among the words, or what stands for it. */
static const char *option(char **words, int count, const char *key, const char *otherwise)
{
	size_t size = strlen(key);

	for (int i = 0; i < count; i++)
		if (strncmp(words[i], key, size) == 0 && words[i][size] == '=')
			return words[i] + size + 1;
	return otherwise;
}

static bool has(char **words, int count, const char *flag)
{
	for (int i = 0; i < count; i++)
		if (str_equal(words[i], flag))
			return true;
	return false;
}

static void need(int count, int least)
{
	if (count < least)
		die("%d words more are needed", least - count);
}

static void put_file(struct msg *m, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		die("open %s: %m", path);
	msg_put_fd(m, fd);
}

static void make_create(struct msg *m, char **w, int n)
{
	need(n, 6);
	msg_init(m, WIRE_NET_CREATE);
	msg_put_str(m, w[1]);
	msg_put_u64(m, has(w + 6, n - 6, "internal"));
	for (int i = 2; i < 6; i++)
		msg_put_str(m, dash(w[i]));
	msg_put_str(m, option(w + 6, n - 6, "policy", ""));
	msg_put_u64(m, number(option(w + 6, n - 6, "mtu", "0")));
}

static void make_attach(struct msg *m, char **w, int n)
{
	uint64_t names = 0;

	need(n, 6);
	msg_init(m, WIRE_NET_ATTACH);
	msg_put_str(m, w[1]);
	msg_put_str(m, w[2]);
	msg_put_str(m, option(w + 6, n - 6, "if", "eth0"));
	msg_put_str(m, dash(w[4]));
	msg_put_str(m, dash(w[5]));
	msg_put_str(m, option(w + 6, n - 6, "mac", ""));
	msg_put_u64(m, !has(w + 6, n - 6, "more"));
	msg_put_str(m, option(w + 6, n - 6, "policy", ""));
	for (int i = 6; i < n; i++)
		names += str_starts(w[i], "name=");
	msg_put_u64(m, names);
	for (int i = 6; i < n; i++)
		if (str_starts(w[i], "name="))
			msg_put_str(m, w[i] + 5);
	if (!str_equal(w[3], "-"))
		put_file(m, w[3], O_RDONLY);
}

static void make_publish(struct msg *m, char **w, int n)
{
	bool is_least = n > 7 && str_equal(w[7], "least");
	int first = is_least ? 8 : 7;

	need(n, 7);
	msg_init(m, WIRE_NET_PUBLISH);
	msg_put_str(m, w[1]);
	msg_put_str(m, w[2]);
	msg_put_u64(m, str_equal(w[3], "tcp")	? IPPROTO_TCP
		       : str_equal(w[3], "udp") ? IPPROTO_UDP
						: number(w[3]));
	msg_put_str(m, dash(w[4]));
	msg_put_u64(m, number(w[5]));
	msg_put_u64(m, number(w[6]));
	msg_put_u64(m, is_least);
	msg_put_u64(m, (uint64_t)(n - first));
	for (int i = first; i < n; i++)
		msg_put_str(m, w[i]);
}

static void make_words(struct msg *m, uint32_t type, char **w, int n, int words)
{
	need(n, words + 1);
	msg_init(m, type);
	for (int i = 1; i <= words; i++)
		msg_put_str(m, w[i]);
}

static bool make(struct msg *m, char **w, int n)
{
	if (str_equal(w[0], "create")) {
		make_create(m, w, n);
	} else if (str_equal(w[0], "attach")) {
		make_attach(m, w, n);
	} else if (str_equal(w[0], "publish")) {
		make_publish(m, w, n);
	} else if (str_equal(w[0], "delete")) {
		make_words(m, WIRE_NET_DELETE, w, n, 1);
	} else if (str_equal(w[0], "detach")) {
		make_words(m, WIRE_NET_DETACH, w, n, 2);
	} else if (str_equal(w[0], "withdraw")) {
		make_words(m, WIRE_NET_WITHDRAW, w, n, 2);
	} else if (str_equal(w[0], "stats")) {
		make_words(m, WIRE_NET_STATS, w, n, 2);
	} else if (str_equal(w[0], "list")) {
		make_words(m, WIRE_NET_LIST, w, n, 0);
	} else if (str_equal(w[0], "capture")) {
		make_words(m, WIRE_NET_CAPTURE, w, n, 2);
	} else if (str_equal(w[0], "backend")) {
		make_words(m, WIRE_NET_BACKEND, w, n, 3);
		need(n, 5);
		msg_put_u64(m, number(w[4]));
	} else {
		return false;
	}
	return true;
}

/* Fields as they come: the first byte of each says what it is. */
static void print_fields(struct msg *m)
{
	while (!m->broken && m->at < m->size_bytes) {
		if (m->data[m->at] == 's')
			printf(" %s", msg_get_str(m));
		else
			printf(" %ju", (uintmax_t)msg_get_u64(m));
	}
}

static void print_socket(struct msg *m)
{
	int fd = msg_take_fd(m), family = AF_UNSPEC;
	socklen_t size = sizeof(family);

	if (fd < 0)
		return;
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
	printf(family == AF_PACKET ? " AF_PACKET" : " family %d", family);
	fd_close(&fd);
}

static bool ask(int fd, struct msg *request)
{
	uint64_t start = time_boot_ns();
	struct err e;
	struct msg m;

	if (msg_send(fd, request, &e))
		die("%s", e.text);
	for (int i = 0; i < request->fd_count; i++)
		fd_close(&request->fds[i]);
	for (;;) {
		if (msg_receive(fd, &m, &e) <= 0)
			die("netd closed the connection");
		printf("%s", m.type == WIRE_NET_DONE	   ? "done"
			     : m.type == WIRE_NET_FAILED   ? "failed"
			     : m.type == WIRE_NET_COUNTERS ? "counters"
			     : m.type == WIRE_NET_MEMBER   ? "member"
			     : m.type == WIRE_NET_PORT	   ? "port"
							   : "network");
		print_fields(&m);
		print_socket(&m);
		if (m.type == WIRE_NET_NETWORK || m.type == WIRE_NET_MEMBER ||
		    m.type == WIRE_NET_PORT) {
			puts("");
			continue;
		}
		printf(" us=%ju\n", (uintmax_t)((time_boot_ns() - start) / 1000));
		fflush(stdout);
		return m.type != WIRE_NET_FAILED;
	}
}

static bool request(int fd, char **words, int count)
{
	static struct msg m;

	if (str_equal(words[0], "pause")) {
		need(count, 2);
		usleep((unsigned)number(words[1]) * 1000);
		return true;
	}
	if (!make(&m, words, count))
		die("%s: unknown", words[0]);
	return ask(fd, &m);
}

static int talk(const char *path, char **words, int count)
{
	struct sockaddr_un a = play_svd_address(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	static char line[LINE_BYTES];
	static char *in[WORDS_MAX];
	bool is_fine = true;

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect to %s: %m", path);
	if (count > 0)
		return !request(fd, words, count);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		count = str_split_words(line, in, WORDS_MAX);
		if (count > 0)
			is_fine &= request(fd, in, count);
	}
	return !is_fine;
}

/* ---- a gateway without lwIP */

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
		for (int i = 0; i < port_count; i++)
			if (str_equal(ports[i].key, first)) {
				shutdown(ports[i].fd, SHUT_RD);
				ports[i] = ports[--port_count];
			}
	} else if (m->type == WIRE_GATE_PUBLISH && port_count < PORTS_MAX) {
		str_copy(ports[port_count].key, 64, first);
		msg_get_u64(m);
		ports[port_count].port = (uint16_t)msg_get_u64(m);
		ports[port_count].container[0] = '\0';
		ports[port_count++].fd = msg_take_fd(m);
	} else if (m->type == WIRE_GATE_WITHDRAW) {
		for (int i = 0; i < port_count; i++)
			if (str_equal(ports[i].key, first)) {
				close(ports[i].fd);
				ports[i] = ports[--port_count];
			}
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

static int gate(const char *network)
{
	static char buffer[8192];
	int netd = 3;
	struct err e;
	static struct msg m;

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

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];

	log_init(name, LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	if (str_equal(name, "gated") && argc > 1)
		return gate(argv[1]);
	if (argc > 3 && str_equal(argv[1], "serve")) {
		/* As netd.unit has it; who may not does without. */
		(void)setpriority(PRIO_PROCESS, 0, -10);
		return play_svd_serve(argv[2], "netd.sock:notify", argv + 3);
	}
	if (argc > 2 && str_equal(argv[1], "talk"))
		return talk(argv[2], argv + 3, argc - 3);
	die("usage: netctl serve SOCKET PROGRAM | talk SOCKET [WORD...]");
}
