/* netpal.c - what runs in the containers of engine_net.sh: serves a text, asks for one.
 *
 *   netpal serve PORT TEXT    each client gets TEXT; its address is printed
 *   netpal ask HOST PORT      prints what comes; asks again until something does
 *   netpal ask1 HOST PORT     once: prints the text, or the error and ends with 1
 *   netpal names HOST         all its addresses, one a line
 *   netpal linger PORT TEXT [MS]  waits so long, then each client gets TEXT and the machine's name
 *                                 and is kept until it goes
 *   netpal hold HOST PORT     one client that prints what it got and stays until it is cut off
 *   netpal storm HOST PORT COUNT  so many clients, one after the other, 0 = until there is input:
 *                             what they were told how often, and how many were refused or cut off
 *   netpal absent FILE        ends well when there is no such file
 *   netpal sleep */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(const char *port)
{
	int on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)atoi(port)) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 64)) {
		perror("serve");
		return -1;
	}
	return fd;
}

static int serve(const char *port, const char *text)
{
	struct sockaddr_in6 a;
	int fd = listen_at(port);

	if (fd < 0)
		return 1;
	puts("serves");
	for (;;) {
		socklen_t size = sizeof(a);
		char from[INET6_ADDRSTRLEN];
		int client = accept4(fd, (struct sockaddr *)&a, &size, SOCK_CLOEXEC);

		printf("from %s\n", inet_ntop(AF_INET6, &a.sin6_addr, from, sizeof(from)));
		if (write(client, text, strlen(text)) < 0)
			perror("write");
		close(client);
	}
}

static void say_and_stay(int client, const char *text)
{
	char name[64] = "", line[256];
	ssize_t n;

	gethostname(name, sizeof(name) - 1);
	snprintf(line, sizeof(line), "%s %s\n", text, name);
	n = write(client, line, strlen(line));
	while (n > 0)
		n = read(client, line, sizeof(line));
	_exit(0);
}

/* USR1: what `absent` looks for is there, USR2: it is not. */
static void fall_ill(int number)
{
	if (number == SIGUSR1)
		close(open("/tmp/ill", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	else
		unlink("/tmp/ill");
}

static int linger(const char *port, const char *text, unsigned wait_ms)
{
	int fd;

	usleep(wait_ms * 1000);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGUSR1, fall_ill);
	signal(SIGUSR2, fall_ill);
	fd = listen_at(port);
	if (fd < 0)
		return 1;
	puts("serves");
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0 && fork() == 0)
			say_and_stay(client, text);
		close(client);
	}
}

static int names(const char *host)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_INET }, *list;
	char text[INET_ADDRSTRLEN];

	if (getaddrinfo(host, "80", &hints, &list))
		return 1;
	for (; list; list = list->ai_next)
		puts(inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text,
			       sizeof(text)));
	return 0;
}

/* -1 = refused, 0 = cut off before a word, else the length of what was said. */
static ssize_t call(const char *host, const char *port, char *text, size_t size, int *fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	ssize_t n;

	inet_pton(AF_INET, host, &a.sin_addr);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(*fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	n = read(*fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? n : 0;
}

static int hold(const char *host, const char *port)
{
	char text[256];
	int fd;

	if (call(host, port, text, sizeof(text), &fd) <= 0)
		return 1;
	fputs(text, stdout);
	while (read(fd, text, sizeof(text)) > 0)
		;
	puts("cut off");
	return 0;
}

static int storm(const char *host, const char *port, unsigned count)
{
	struct {
		char text[64];
		unsigned count;
	} told[32] = { { "", 0 } };
	unsigned refused = 0, cut = 0;

	for (unsigned i = 0; !count || i < count; i++) {
		struct pollfd end = { .fd = 0, .events = POLLIN };
		char text[64];
		int fd, k = 0;
		ssize_t n = call(host, port, text, sizeof(text), &fd);

		close(fd);
		refused += n < 0;
		cut += n == 0;
		while (n > 0 && k < 31 && told[k].count && strcmp(told[k].text, text) != 0)
			k++;
		if (n > 0 && !told[k].count++)
			strcpy(told[k].text, text);
		if (!count && poll(&end, 1, 1) > 0)
			break;
		if (count)
			usleep(10000);	/* the far end has seen that this one is over */
	}
	for (int k = 0; k < 32; k++)
		if (told[k].count)
			printf("%u %s", told[k].count, told[k].text);
	printf("refused %u, cut off %u\n", refused, cut);
	return refused || cut;
}

static bool ask(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int failed = getaddrinfo(host, port, &hints, &list);
	char text[256];
	ssize_t n;
	int fd;

	if (failed) {
		printf("%s: %s\n", host, gai_strerror(failed));
		return false;
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, list->ai_addr, list->ai_addrlen)) {
		printf("%s: %m\n", host);
		close(fd);
		return false;
	}
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n > 0)
		printf("%s said %.*s\n", host, (int)n, text);
	return n > 0;
}

static void end(int number)
{
	_exit(128 + number);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, end);	/* process 1 has no default (pid_namespaces(7)) */
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], argv[3]);
	if (argc >= 4 && strcmp(argv[1], "linger") == 0)
		return linger(argv[2], argv[3], argc > 4 ? (unsigned)atoi(argv[4]) : 0);
	if (argc == 3 && strcmp(argv[1], "names") == 0)
		return names(argv[2]);
	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "storm") == 0)
		return storm(argv[2], argv[3], (unsigned)atoi(argv[4]));
	if (argc == 3 && strcmp(argv[1], "absent") == 0)
		return access(argv[2], F_OK) == 0;
	if (argc == 4 && strcmp(argv[1], "ask1") == 0)
		return !ask(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "ask") == 0)
		while (!ask(argv[2], argv[3]))
			usleep(200000);
	for (;;)
		pause();
}
