/* boxctl - plays svd and engined for boxd in tests/system/box.sh.
 *
 *   boxctl serve SOCKET PROGRAM   binds the socket and execs the program with it, as svd does;
 *                                 what the program tells svd comes out on stdout
 *   boxctl spec [OPTION...] -- ARG...   prints a config.json: Docker's defaults and the options
 *   boxctl talk SOCKET            requests from stdin, one per line; answers and events on stdout:
 *     start NAME IMAGE SPEC [output=FILE] [log=BYTES] [volume=NAME:DRIVER:TARGET[:ro]]...
 *           [input=1|2] [client=FILE]
 *     exec BOX/EXEC SPEC [output=FILE] [input=1|2] [client=FILE] | attach NAME STREAMS FILE [TEXT]
 *     resize NAME ROWS COLUMNS | kill NAME SIGNAL | delete NAME | list | look NAME | pause MS
 *     exited NAME (waits for that event) | gone (waits until every client has seen its end) |
 *     churn NAME COUNT (attaches and goes away, so often) | heard FILE TEXT COUNT (waits for it) */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "wire/wire.h"
#include "play_svd.h"

enum { WORDS_MAX = 32, SPEC_MAX = 1 << 20 };

static void spec_option(struct arena *a, struct oci_spec *s, char option, const char *value)
{
	struct oci_process *p = &s->process;
	unsigned number;

	switch (option) {
	case 'u':
		sscanf(value, "%u:%u", &p->user.uid, &p->user.gid);
		break;
	case 'g':
		p->user.groups = arena_array(a, 1, sizeof(*p->user.groups));
		p->user.groups[p->user.group_count++] = (uint32_t)atoi(value);
		break;
	case 'w':
		p->cwd = value;
		break;
	case 'e':
		p->env = oci_strings_add(a, p->env, value);
		break;
	case 't':
		p->terminal = true;
		break;
	case 'n':
		p->no_new_privs = true;
		break;
	case 'r':
		s->root_readonly = true;
		break;
	case 'm':
		s->resources.memory_limit_bytes = atoll(value);
		break;
	case 'a':
		if (!oci_cap_number(value, &number))
			die("no capability %s", value);
		p->caps.bounding |= 1ull << number;
		p->caps.effective = p->caps.permitted = p->caps.bounding;
		break;
	default:
		die("usage: see the head of boxctl.c");
	}
}

static int spec(int argc, char **argv)
{
	struct arena *a = arena_create(SPEC_MAX);
	struct oci_defaults d = { .hostname = "tested", .id_base = 1048576 };
	struct oci_spec *s;
	struct buf out;
	int option;

	for (int i = 0; i < argc && !str_equal(argv[i], "--"); i++)
		if (str_equal(argv[i], "-c"))
			d.cgroups_path = argv[i + 1];
		else if (str_equal(argv[i], "-i"))
			d.id_base = (uint32_t)atoi(argv[i + 1]);
		else if (str_equal(argv[i], "-N"))
			d.own_network = true;
	s = oci_spec_defaults(a, &d);
	s->process.env = oci_strings_add(a, NULL, "PATH=/bin");
	while ((option = getopt(argc, argv, "+u:g:w:e:nrtc:i:m:a:N")) >= 0)
		if (option != 'c' && option != 'i' && option != 'N')
			spec_option(a, s, (char)option, optarg);
	s->process.args =
		oci_strings(a, (const char *const *)argv + optind, (size_t)(argc - optind));
	buf_init(&out, SPEC_MAX);
	if (!oci_spec_write(s, &out))
		die("the spec is too long");
	puts(out.data);
	return 0;
}

static void print_answer(struct msg *m)
{
	printf("%s", wire_name(m->type));
	switch ((enum wire_type)m->type) {
	case WIRE_BOX_FAILED:
		printf(" %s", msg_get_str(m));
		printf(" %s", msg_get_str(m));
		break;
	case WIRE_BOX_STATE:
		printf(" %s", msg_get_str(m));
		printf(" %s", msg_get_str(m));
		break;
	case WIRE_BOX_EXITED:
		printf(" %s", msg_get_str(m));
		printf(" %llu", (unsigned long long)msg_get_u64(m));
		printf(" %llu", (unsigned long long)msg_get_u64(m));
		printf(" said: %s", msg_get_str(m));
		break;
	case WIRE_BOX_LIST_END:
		break;
	default:
		printf(" %s", msg_get_str(m));
	}
	while (m->at < m->size_bytes)
		printf(" %llu", (unsigned long long)msg_get_u64(m));
	puts("");
	fflush(stdout);
}

/* The box that was started last, and the one that could not be: nobody waits for the end
 * of that. */
static char started[80], refused[80];
static bool busy;	/* what failed last may be tried again */
static int boxd_fd;	/* the connection, which a client must not hold open */

static bool says_busy(const struct msg *m)
{
	return memmem(m->data, m->size_bytes, "is busy", strlen("is busy"));
}

/* Until `type` about `name` ("" = anyone) came, or the request failed (false). Everything is
 * printed. */
static bool await(int fd, uint32_t type, const char *name)
{
	static struct msg m;
	static char seen[64][80];	/* exits that came before they were waited for */
	static int seen_count;
	char line[80];

	snprintf(line, sizeof(line), "%u %s", type, name);
	for (int i = 0; i < seen_count; i++)
		if (str_equal(seen[i], line)) {
			seen[i][0] = '\0';
			return true;
		}
	for (;;) {
		struct err e;
		int got = msg_receive(fd, &m, &e);

		if (got <= 0)
			die("no answer: %s", got ? e.text : "boxd closed the connection");
		uint32_t came = m.type;
		const char *about = came == WIRE_BOX_LIST_END ? "" : msg_get_str(&m);
		bool same = str_equal(about, name);

		m.at = 0;
		if (came == WIRE_BOX_EXITED && !(type == came && same) && seen_count < 64)
			snprintf(seen[seen_count++], sizeof(seen[0]), "%u %s", came, about);
		print_answer(&m);
		msg_finish(&m);
		busy = came == WIRE_BOX_FAILED && says_busy(&m);
		if (came == WIRE_BOX_FAILED && type != WIRE_BOX_EXITED)
			return false;
		if (came == type && (same || type == WIRE_BOX_LIST_END))
			return true;
	}
}

/* By one write, so that another client's text cannot come between. \n is a line's end. */
static void send_text(int fd, const char *text)
{
	char data[4096];
	size_t size = 0;

	for (; *text && size < sizeof(data); text++) {
		bool line = text[0] == '\\' && text[1] == 'n';

		data[size++] = line ? '\n' : *text;
		text += line;
	}
	fd_write_all(fd, data, size, NULL);
}

/* A client of a container: sends TEXT (`\\n` for a new line), keeps what comes in FILE until the
 * end. Returns the end for boxd. */
static int client(const char *file, const char *text)
{
	int pair[2], out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char data[4096];
	ssize_t n;

	if (out < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("client %s: %m", file);
	if (fork() > 0) {
		close(pair[0]);
		close(out);
		return pair[1];
	}
	close(pair[1]);
	close(boxd_fd);
	send_text(pair[0], text);
	shutdown(pair[0], SHUT_WR);
	while ((n = read(pair[0], data, sizeof(data))) > 0)
		fd_write_all(out, data, (size_t)n, NULL);
	_exit(0);
}

static char *read_document(const char *path, size_t *size)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e;
	char *text = fd < 0 ? NULL : fd_read_all(fd, SPEC_MAX, size, &e);

	if (!text)
		die("read %s", path);
	return text;
}

/* The fields about streams, the document and the streams' fds. */
static void put_streams(struct msg *m, int document_fd, char **words, int count)
{
	int client_fd = -1, output_fd = -1;
	uint64_t input = 0;

	for (int i = 0; i < count; i++)
		if (str_starts(words[i], "output="))
			output_fd =
				open(words[i] + 7, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		else if (str_starts(words[i], "input="))
			str_to_u64(words[i] + 6, &input);
		else if (str_starts(words[i], "client="))
			client_fd = client(words[i] + 7, "");
	msg_put_u64(m, input);
	msg_put_u64(m, output_fd >= 0);
	msg_put_u64(m, client_fd >= 0);
	if (client_fd >= 0)
		msg_put_u64(m, 6);
	msg_put_fd(m, document_fd);
	if (output_fd >= 0)
		msg_put_fd(m, output_fd);
	if (client_fd >= 0)
		msg_put_fd(m, client_fd);
}

/* And closes the fds here: a client sees its end. */
static void send_streams(int fd, struct msg *m)
{
	struct err e;

	if (msg_send(fd, m, &e))
		die("%s", e.text);
	for (int i = 0; i < m->fd_count; i++)
		close(m->fds[i]);
}

static void await_start(int fd, uint32_t type, const char *name)
{
	if (!await(fd, type, name) && !str_equal(started, name))
		str_copy(refused, sizeof(refused), name);
	else
		str_copy(started, sizeof(started), name);
}

static void start(int fd, char **words, int count)
{
	static struct msg m;
	struct err e;
	char *volumes[WORDS_MAX], *part[4] = { 0 };
	const char *network_of = "", *resolver = "", *hosts = "";
	int volume_count = 0;
	uint64_t log_bytes = 0, hold = 0;
	size_t size;
	AUTO_FREE char *text = read_document(words[3], &size);

	for (int i = 4; i < count; i++)
		if (str_starts(words[i], "log="))
			str_to_u64(words[i] + 4, &log_bytes);
		else if (str_starts(words[i], "network-of="))
			network_of = words[i] + 11;
		else if (str_starts(words[i], "resolver="))
			resolver = words[i] + 9;
		else if (str_starts(words[i], "hosts="))
			hosts = words[i] + 6;
		else if (str_equal(words[i], "hold"))
			hold = 1;
		else if (str_starts(words[i], "volume="))
			volumes[volume_count++] = words[i] + 7;
	msg_init(&m, WIRE_BOX_START);
	msg_put_str(&m, words[1]);
	msg_put_str(&m, words[2]);
	msg_put_u64(&m, (uint64_t)volume_count);
	for (int i = 0; i < volume_count; i++) {
		for (int k = 0; k < 4; k++)
			part[k] = strsep(&volumes[i], ":");
		msg_put_str(&m, part[0]);
		msg_put_str(&m, part[1]);
		msg_put_str(&m, part[2]);
		msg_put_u64(&m, part[3] != NULL);
	}
	msg_put_u64(&m, log_bytes);
	put_streams(&m, fd_sealed_memfd("spec", text, size, &e), words + 4, count - 4);
	msg_put_u64(&m, hold);
	msg_put_str(&m, network_of);
	msg_put_str(&m, resolver);
	msg_put_str(&m, hosts);
	send_streams(fd, &m);
	await_start(fd, hold ? WIRE_BOX_HELD : WIRE_BOX_STARTED, words[1]);
}

/* SPEC is a whole config.json; its process is what runs. */
static void exec(int fd, char **words, int count)
{
	static struct msg m;
	struct arena *a = arena_create(SPEC_MAX);
	struct json_writer w;
	struct buf out;
	struct err e;
	size_t size;
	AUTO_FREE char *text = read_document(words[2], &size);
	struct oci_spec *s = oci_spec_parse(a, "spec", text, size, &e);

	if (!s)
		die("%s", e.text);
	buf_init(&out, SPEC_MAX);
	json_writer_init(&w, &out);
	spec_process_write(&s->process, &w);
	msg_init(&m, WIRE_BOX_EXEC);
	msg_put_str(&m, words[1]);
	put_streams(&m, fd_sealed_memfd("process", out.data, out.size_bytes, &e), words + 3,
		    count - 3);
	send_streams(fd, &m);
	await_start(fd, WIRE_BOX_STARTED, words[1]);
	buf_finish(&out);
	arena_destroy(a);
}

static void request(int fd, uint32_t type, const char *name, const char *number, uint32_t answer)
{
	static struct msg m;
	uint64_t value = 0;
	struct err e;

	msg_init(&m, type);
	if (name)
		msg_put_str(&m, name);
	if (number && str_to_u64(number, &value))
		msg_put_u64(&m, value);
	if (msg_send(fd, &m, &e))
		die("%s", e.text);
	await(fd, answer, name ? name : "");
}

/* attach NAME STREAMS FILE [TEXT] */
static void attach(int fd, char **words, int count)
{
	static struct msg m;
	uint64_t streams = 0;
	int client_fd = client(words[3], count > 4 ? words[4] : "");
	struct err e;

	str_to_u64(words[2], &streams);
	do {
		busy = false;
		msg_init(&m, WIRE_BOX_ATTACH);
		msg_put_str(&m, words[1]);
		msg_put_u64(&m, streams);
		msg_put_fd(&m, client_fd);
		if (msg_send(fd, &m, &e))
			die("%s", e.text);
		await(fd, WIRE_BOX_DONE, words[1]);
	} while (busy && usleep(1000) == 0);
	fd_close(&client_fd);
}

static void heard(const char *file, const char *text, int count)
{
	for (int found = 0; found < count; usleep(10000)) {
		AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
		size_t size = 0;
		struct err e;
		AUTO_FREE char *all = fd < 0 ? NULL : fd_read_all(fd, SPEC_MAX, &size, &e);

		found = 0;
		for (char *at = all; at; found += at != NULL) /* heads of frames have NULs */
			if ((at = memmem(at, (size_t)(all + size - at), text, strlen(text))))
				at++;
	}
}

/* What goes away is a client that has seen output; a busy monitor is asked again. */
static void churn(int fd, const char *name, int count)
{
	static struct msg m;
	char data[4096];
	int done = 0;
	struct err e;

	while (done < count) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			die("churn: %m");
		msg_init(&m, WIRE_BOX_ATTACH);
		msg_put_str(&m, name);
		msg_put_u64(&m, 7);
		msg_put_fd(&m, pair[1]);
		if (msg_send(fd, &m, &e) || msg_receive(fd, &m, &e) <= 0)
			die("%s", e.text);
		close(pair[1]);
		if (m.type == WIRE_BOX_DONE && read(pair[0], data, sizeof(data)) > 0)
			done++;
		else if (m.type != WIRE_BOX_FAILED || !says_busy(&m))
			die("churn: %s after %d", wire_name(m.type), done);
		close(pair[0]);
	}
	printf("churned %d\n", done);
}

static void resize(int fd, char **words)
{
	static struct msg m;
	struct err e;

	msg_init(&m, WIRE_BOX_RESIZE);
	msg_put_str(&m, words[1]);
	msg_put_u64(&m, (uint64_t)atoi(words[2]));
	msg_put_u64(&m, (uint64_t)atoi(words[3]));
	if (msg_send(fd, &m, &e))
		die("%s", e.text);
	await(fd, WIRE_BOX_DONE, words[1]);
}

static int talk(const char *path)
{
	struct sockaddr_un a = play_svd_address(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), count;
	char line[4096], *words[WORDS_MAX];

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect %s: %m", path);
	boxd_fd = fd;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		count = str_split_words(line, words, WORDS_MAX);
		if (count < 1)
			continue;
		if (str_equal(words[0], "start") && count >= 4)
			start(fd, words, count);
		else if (str_equal(words[0], "exec") && count >= 3)
			exec(fd, words, count);
		else if (str_equal(words[0], "churn") && count == 3)
			churn(fd, words[1], atoi(words[2]));
		else if (str_equal(words[0], "heard") && count == 4)
			heard(words[1], words[2], atoi(words[3]));
		else if (str_equal(words[0], "look") && count == 2)
			request(fd, WIRE_BOX_LOOK, words[1], NULL, WIRE_BOX_STATE);
		else if (str_equal(words[0], "kill") && count == 3)
			request(fd, WIRE_BOX_KILL, words[1], words[2], WIRE_BOX_DONE);
		else if (str_equal(words[0], "release") && count == 2)
			request(fd, WIRE_BOX_RELEASE, words[1], NULL, WIRE_BOX_STARTED);
		else if (str_equal(words[0], "netns") && count == 2)
			request(fd, WIRE_BOX_NETNS, words[1], NULL, WIRE_BOX_NETWORK);
		else if (str_equal(words[0], "delete") && count == 2)
			request(fd, WIRE_BOX_DELETE, words[1], NULL, WIRE_BOX_DONE);
		else if (str_equal(words[0], "attach") && count >= 4)
			attach(fd, words, count);
		else if (str_equal(words[0], "resize") && count == 4)
			resize(fd, words);
		else if (str_equal(words[0], "list"))
			request(fd, WIRE_BOX_LIST, NULL, NULL, WIRE_BOX_LIST_END);
		else if (str_equal(words[0], "exited") && count == 2)
			(void)(str_equal(words[1], refused) ||
			       await(fd, WIRE_BOX_EXITED, words[1]));
		else if (str_equal(words[0], "gone"))
			while (wait(NULL) > 0)
				;
		else if (str_equal(words[0], "pause") && count == 2)
			usleep((useconds_t)atoi(words[1]) * 1000);
		else
			die("unknown request %s", words[0]);
	}
	close(fd);
	while (wait(NULL) > 0)	/* clients end with their containers */
		;
	return 0;
}

int main(int argc, char **argv)
{
	log_init("boxctl", LOG_LEVEL_INFO);
	alarm(60);	/* an answer that never comes must not hang the test */
	if (argc >= 4 && str_equal(argv[1], "serve")) {
		alarm(0);
		return play_svd_serve(argv[2], "boxd.sock:notify", argv + 3);
	}
	if (argc >= 3 && str_equal(argv[1], "spec"))
		return spec(argc - 1, argv + 1);
	if (argc == 3 && str_equal(argv[1], "talk"))
		return talk(argv[2]);
	die("usage: boxctl serve|spec|talk ...");
}
