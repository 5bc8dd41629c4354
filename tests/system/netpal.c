/* netpal.c - what runs in the containers of engine_net.sh: serves a text, asks for one.
 *
 *   netpal serve PORT TEXT    each client gets TEXT; its address is printed
 *   netpal ask HOST PORT      prints what comes; asks again until something does
 *   netpal ask1 HOST PORT     once: prints the text, or the error and ends with 1
 *   netpal sleep */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int serve(const char *port, const char *text)
{
	int on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)atoi(port)) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16)) {
		perror("serve");
		return 1;
	}
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
	if (argc == 4 && strcmp(argv[1], "ask1") == 0)
		return !ask(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "ask") == 0)
		while (!ask(argv[2], argv[3]))
			usleep(200000);
	for (;;)
		pause();
}
