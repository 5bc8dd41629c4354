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
 *          [name=NAME]... [port=NUMBER]...   more: another network has the default route;
 *                                            port: protocol x 65536 + port
 *   detach NET NAME
 *   publish NET KEY tcp|udp ADDRESS|- PORT CONTAINER-PORT [least] NAME...
 *   backend NET KEY NAME STATE
 *   withdraw NET KEY
 *   capture NET NAME               the answer's socket is looked at and closed
 *   stats NET NAME
 *   list
 *   pause MS
 *
 * As `gated` it is the gateway of play_gate.h. */
/* clang-format on */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "lib/time.h"
#include "wire/wire.h"
#include "play_gate.h"
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

static void put_options(struct msg *m, char **w, int n, const char *key, bool are_numbers)
{
	size_t size = strlen(key);
	uint64_t found = 0;

	for (int i = 0; i < n; i++)
		found += str_starts(w[i], key);
	msg_put_u64(m, found);
	for (int i = 0; i < n; i++)
		if (str_starts(w[i], key) && are_numbers)
			msg_put_u64(m, number(w[i] + size));
		else if (str_starts(w[i], key))
			msg_put_str(m, w[i] + size);
}

static void make_attach(struct msg *m, char **w, int n)
{
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
	put_options(m, w + 6, n - 6, "name=", false);
	put_options(m, w + 6, n - 6, "port=", true);
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

static void make_backend(struct msg *m, char **w, int n)
{
	need(n, 5);
	make_words(m, WIRE_NET_BACKEND, w, n, 3);
	msg_put_u64(m, number(w[4]));
}

static bool make(struct msg *m, char **w, int n)
{
	static const struct {
		const char *word;
		void (*make)(struct msg *m, char **w, int n); /* NULL: these words alone */
		uint32_t type;
		int words;
	} rows[] = {
		{ "create", make_create, 0, 0 },	{ "attach", make_attach, 0, 0 },
		{ "publish", make_publish, 0, 0 },	{ "backend", make_backend, 0, 0 },
		{ "delete", NULL, WIRE_NET_DELETE, 1 }, { "detach", NULL, WIRE_NET_DETACH, 2 },
		{ "stats", NULL, WIRE_NET_STATS, 2 },	{ "withdraw", NULL, WIRE_NET_WITHDRAW, 2 },
		{ "list", NULL, WIRE_NET_LIST, 0 },	{ "capture", NULL, WIRE_NET_CAPTURE, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_equal(w[0], rows[i].word)) {
			if (rows[i].make)
				rows[i].make(m, w, n);
			else
				make_words(m, rows[i].type, w, n, rows[i].words);
			return true;
		}
	return false;
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

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];

	log_init(name, LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	if (str_equal(name, "gated") && argc > 1)
		return play_gate(argv[1]);
	if (argc > 3 && str_equal(argv[1], "serve")) {
		/* As netd.unit has it; who may not does without. */
		(void)setpriority(PRIO_PROCESS, 0, -10);
		return play_svd_serve(argv[2], "netd.sock:notify", argv + 3);
	}
	if (argc > 2 && str_equal(argv[1], "talk"))
		return talk(argv[2], argv + 3, argc - 3);
	die("usage: netctl serve SOCKET PROGRAM | talk SOCKET [WORD...]");
}
