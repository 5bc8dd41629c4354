/* talk.c - conversations over TCP and how long they take: what `make bench-gate` measures beside
 * iperf3.
 *
 * talk serve PORT                    one loop: answers bytes by those bytes, throws bulk away
 * talk rr HOST PORT SECONDS          a byte there and back   -> rr p50=US p99=US max=US count=N
 * talk crr HOST PORT SECONDS         connect, byte, answer, reset -> crr p50=US ...
 * talk idle HOST PORT COUNT          opens COUNT -> idle open=N seconds=S; until end of input
 * talk bulk HOST PORT SECONDS COUNT  sends on COUNT connections -> bulk gbit=G max_gap_ms=MS
 * talk take HOST PORT SECONDS COUNT  takes on COUNT connections -> take gbit=G max_gap_ms=MS
 * talk flood HOST PORT SECONDS        small datagrams as fast as they go -> flood sent=N
 *
 * The first byte tells serve what is wanted: B = bulk to throw away, T = send without end, else
 * echo. One thread and epoll: a thread for each connection would measure the scheduler. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, CHUNK = 256 * 1024, SAMPLES_MAX = 4000000, FLOWS_MAX = 20000 };

static char chunk[CHUNK];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "talk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static socklen_t address_of(const char *host, const char *port, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(port));
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) {
		fprintf(stderr, "talk: %s is no address\n", host);
		exit(2);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return sizeof(*v6);
}

static int reach(const char *host, const char *port)
{
	struct sockaddr_storage to;
	socklen_t size = address_of(host, port, &to);
	int one = 1, fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, size) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* ---- serve */

enum wish { WISH_NONE, WISH_ECHO, WISH_DROP, WISH_SEND };

static void serve_one(int epoll_fd, int fd, uint8_t *wish, unsigned events)
{
	for (int turn = 0; turn < 4; turn++) {
		ssize_t n;

		if (*wish == WISH_SEND && events & EPOLLOUT) {
			n = send(fd, chunk, CHUNK, MSG_NOSIGNAL | MSG_DONTWAIT);
		} else {
			n = recv(fd, chunk, *wish == WISH_DROP ? CHUNK : 4096, MSG_DONTWAIT);
			if (n > 0 && *wish == WISH_NONE) {
				struct epoll_event e = { .events = EPOLLIN | EPOLLOUT,
							 .data.fd = fd };

				*wish = chunk[0] == 'B'	  ? WISH_DROP
					: chunk[0] == 'T' ? WISH_SEND
							  : WISH_ECHO;
				if (*wish == WISH_SEND)
					epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &e);
			}
			if (n > 0 && *wish == WISH_ECHO)
				send(fd, chunk, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			close(fd);
			return;
		}
		if (n < 0 || *wish == WISH_ECHO)
			return;
	}
}

static _Noreturn void serve(const char *port)
{
	static uint8_t wishes[65536];
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)atoi(port)) };
	struct epoll_event events[EVENTS], e = { .events = EPOLLIN };
	int one = 1, epoll_fd = epoll_create1(0),
	    listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 4096) < 0)
		fail("listen");
	e.data.fd = listener;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
	puts("serve ready");
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				serve_one(epoll_fd, fd, &wishes[fd], events[i].events);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				if (fd >= (int)sizeof(wishes)) {
					close(fd);
					continue;
				}
				wishes[fd] = WISH_NONE;
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				e = (struct epoll_event){ .events = EPOLLIN, .data.fd = fd };
				epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
			}
		}
	}
}

/* ---- latency */

static uint32_t samples[SAMPLES_MAX];	/* 10 ns */
static size_t sample_count;

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print_samples(const char *name)
{
	if (sample_count == 0)
		fail("no sample");
	qsort(samples, sample_count, sizeof(samples[0]), ascending);
	printf("%s p50=%.2f p99=%.2f max=%.2f count=%zu\n", name, samples[sample_count / 2] / 100.0,
	       samples[sample_count * 99 / 100] / 100.0, samples[sample_count - 1] / 100.0,
	       sample_count);
}

static void exchange(int fd)
{
	char byte = 'x';

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
		fail("exchange");
}

static int latency(bool connects, const char *host, const char *port, double seconds)
{
	static const struct linger reset = { .l_onoff = 1 };
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
	int fd = connects ? -1 : reach(host, port);

	while (now_ns() < end && sample_count < SAMPLES_MAX) {
		uint64_t start = now_ns();

		if (connects)
			fd = reach(host, port);
		exchange(fd);
		if (connects) {
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(fd);
		}
		samples[sample_count++] = (uint32_t)((now_ns() - start) / 10);
	}
	print_samples(connects ? "crr" : "rr");
	return 0;
}

/* ---- flood */

/* Each to another port than the one before: a flow each. */
static int flood(const char *host, const char *port, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), sent = 0;
	struct sockaddr_storage to;
	socklen_t size = address_of(host, port, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	while (now_ns() < end)
		for (int i = 0; i < 64; i++) {
			((struct sockaddr_in *)&to)->sin_port =
				htons((uint16_t)(atoi(port) + (int)(sent & 1023)));
			sent += sendto(fd, chunk, 64, 0, (struct sockaddr *)&to, size) == 64;
		}
	printf("flood sent=%ju\n", (uintmax_t)sent);
	return 0;
}

/* ---- many */

static int idle(const char *host, const char *port, int count)
{
	uint64_t start = now_ns();
	char byte;

	for (int i = 0; i < count; i++)
		exchange(reach(host, port));
	printf("idle open=%d seconds=%.2f\n", count, (double)(now_ns() - start) / 1e9);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

/* One loop over all flows, sending or taking. */
static int flows(bool takes, const char *host, const char *port, double seconds, int count)
{
	struct epoll_event events[EVENTS], e = { .events = takes ? EPOLLIN : EPOLLOUT };
	uint64_t bytes = 0, start, end, last = 0, gap = 0;
	int epoll_fd = epoll_create1(0);

	for (int i = 0; i < count; i++) {
		e.data.fd = reach(host, port);
		if (send(e.data.fd, takes ? "T" : "B", 1, MSG_NOSIGNAL) != 1)
			fail("send");
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e.data.fd, &e);
	}
	start = now_ns();
	end = start + (uint64_t)(seconds * 1e9);
	for (uint64_t now = start; now < end; now = now_ns()) {
		int got = epoll_wait(epoll_fd, events, EVENTS, 100);

		for (int i = 0; i < got; i++) {
			ssize_t n = takes ? recv(events[i].data.fd, chunk, CHUNK, MSG_DONTWAIT)
					  : send(events[i].data.fd, chunk, CHUNK,
						 MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n == 0 || (n < 0 && errno != EAGAIN))
				fail("a flow ended");
			bytes += n > 0 ? (uint64_t)n : 0;
		}
		now = now_ns();
		if (got > 0 && last && now - last > gap)
			gap = now - last;
		if (got > 0)
			last = now;
	}
	printf("%s gbit=%.3f flows=%d max_gap_ms=%.2f\n", takes ? "take" : "bulk",
	       (double)bytes * 8 / (double)(now_ns() - start), count, (double)gap / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc == 5 && (!strcmp(argv[1], "rr") || !strcmp(argv[1], "crr")))
		return latency(argv[1][0] == 'c', argv[2], argv[3], atof(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "flood"))
		return flood(argv[2], argv[3], atof(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "idle"))
		return idle(argv[2], argv[3], atoi(argv[4]));
	if (argc == 6 && (!strcmp(argv[1], "bulk") || !strcmp(argv[1], "take")) &&
	    atoi(argv[5]) <= FLOWS_MAX)
		return flows(argv[1][0] == 't', argv[2], argv[3], atof(argv[4]), atoi(argv[5]));
	fputs("usage: talk serve PORT | rr|crr|flood HOST PORT SECONDS | idle HOST PORT COUNT | "
	      "bulk|take HOST PORT SECONDS COUNT\n",
	      stderr);
	return 2;
}
