/* enginectl - asks the engine on the machine's console: counters of containers, as lines or as
 * metrics, and their packets into a file, which it writes itself, as the engine's user. Root alone
 * may. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/capture_client.h"
#include "engine/metrics.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/jail.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "wire/wire.h"

#define SOCKET_PATH "/run/cuvette/engined.sock"

enum {
	MIB_USUAL = 16,
	ENGINE_UID = 101,
	ENGINE_GID = 101,
	SENTENCE_BYTES = 512,
	LINES_BYTES_MAX = 64 << 20,	/* 4096 containers on 16 networks each */
};

static const char STATE_PATH[] = "/data/engine";

static const char usage[] =
	"usage: enginectl COMMAND\n"
	"  stats [CONTAINER]      CPU and memory of each container; bytes, flows, drops of it on "
	"each\n"
	"                         network\n"
	"  metrics [openmetrics]  the same as Prometheus reads it: its text format 0.0.4, or "
	"OpenMetrics\n"
	"                         (application/openmetrics-text; version=1.0.0; charset=utf-8)\n"
	"  capture CONTAINER SECONDS [MIB]\n"
	"                         the packets of all its interfaces, its loopback's too, into a "
	"pcap\n"
	"                         file in /data/engine/captures, until the time is over or MIB "
	"(16)\n"
	"                         are full; Ctrl-C ends it\n"
	"Exit status: 0 done, 1 it did not work (the message says why), 2 wrong usage.\n";

/* false: wrong usage. */
static bool read_wish(struct capture_wish *w, int argc, char **argv)
{
	uint64_t mib = MIB_USUAL;

	if (argc < 4 || argc > 5 || !str_to_u64(argv[3], &w->seconds) ||
	    (argc > 4 && !str_to_u64(argv[4], &mib)) || mib > UINT64_MAX >> 20)
		return false;
	w->container = argv[2];
	w->bytes_max = mib << 20;
	w->state_path = STATE_PATH;
	return true;
}

static int make(struct msg *m, bool is_metrics, int argc, char **argv)
{
	if (argc < 2 || argc > 3 ||
	    (is_metrics ? argc == 3 && !str_equal(argv[2], "openmetrics") :
			  !str_equal(argv[1], "stats")))
		return -1;
	msg_init(m, WIRE_CONTROL_STATS);
	msg_put_str(m, argc > 2 && !is_metrics ? argv[2] : "");
	return 0;
}

static int connect_engine(struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(e, "the engine cannot be reached at %s", address.sun_path);
	return take_fd(&fd);
}

/* 1 = there is more to come. lines: for the lines, NULL = print them. */
static int take_answer(struct msg *m, struct buf *lines, struct err *e)
{
	const char *text;

	if (!wire_allowed(m->type, WIRE_ENGINED, WIRE_ENGINECTL, m->fd_count))
		return err_set(e, "the engine answers in a language of another version");
	if (m->type == WIRE_CONTROL_DONE)
		return msg_end(m, e);
	text = msg_get_str(m);
	if (msg_end(m, e) < 0)
		return -1;
	if (m->type == WIRE_CONTROL_FAILED)
		return err_set(e, "%s", text);
	if (lines)
		buf_add_format(lines, "%s\n", text);
	else
		puts(text);
	return 1;
}

static int talk(struct msg *m, struct buf *lines, struct err *e)
{
	AUTO_FD int fd = connect_engine(e);
	int more = 1;

	if (fd < 0 || msg_send(fd, m, e) < 0)
		return -1;
	while (more == 1) {
		int got = msg_receive(fd, m, e);

		if (got == 0)
			return err_set(e, "the engine ended the connection: try again");
		if (got < 0)
			return -1;
		more = take_answer(m, lines, e);
		msg_finish(m);
	}
	return more;
}

static int metrics(struct msg *m, enum metrics_format format, struct err *e)
{
	struct buf lines, text;
	int failed;

	buf_init(&lines, LINES_BYTES_MAX);
	buf_init(&text, 4 * (size_t)LINES_BYTES_MAX);
	failed = talk(m, &lines, e);
	if (!failed)
		metrics_print(lines.data ? lines.data : "", format, &text);
	if (!failed && (lines.overflow || text.overflow))
		failed = err_set(e, "there are more containers than metrics are made of");
	if (!failed)
		failed = fd_write_all(STDOUT_FILENO, text.data, text.size_bytes, e);
	buf_finish(&text);
	buf_finish(&lines);
	return failed;
}

/* The packets are foreign bytes, and the disk's last room is root's. */
static int enter_jail(struct err *e)
{
	static const char *const syscalls[] = {
		"close", "fcntl", "fstat", "fstatfs", "ftruncate", "getsockopt", "lseek", "mkdirat",
		"newfstatat", "openat", "poll", "recvmsg", "sendmsg", "unlinkat", NULL,
	};
	static const char *const write_paths[] = { STATE_PATH, NULL };
	static const struct jail_spec jail = {
		.program = "enginectl",
		.uid = ENGINE_UID,
		.gid = ENGINE_GID,
		.write_paths = write_paths,
		.syscalls = syscalls,
	};

	return jail_enter(&jail, e);
}

/* Ctrl-C is read, not died of: so the file is whole and its sentence said. */
static int open_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "signalfd") : fd;
}

static int capture(struct capture_wish *w, struct msg *m, struct err *e)
{
	AUTO_FD int engine_fd = connect_engine(e), state_fd = -1, stop_fd = -1;
	char said[SENTENCE_BYTES];

	if (engine_fd < 0)
		return -1;
	w->stop_fd = stop_fd = open_signals(e);
	if (stop_fd < 0 || enter_jail(e) < 0)
		return -1;
	state_fd = openat(AT_FDCWD, STATE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state_fd < 0)
		return err_sys(e, "open %s, where captures are kept", STATE_PATH);
	if (capture_client_run(w, engine_fd, state_fd, m, said, sizeof(said) - 1, e) < 0)
		return -1;
	/* One write: stdio asks for more system calls than the jail has. */
	str_copy(said + strlen(said), 2, "\n");
	return fd_write_all(STDOUT_FILENO, said, strlen(said), e);
}

int main(int argc, char **argv)
{
	static struct msg m;
	struct capture_wish wish;
	bool is_capture = argc >= 2 && str_equal(argv[1], "capture");
	bool is_metrics = argc >= 2 && str_equal(argv[1], "metrics");
	struct err e;

	log_init("enginectl", LOG_LEVEL_INFO);
	if (argc == 2 && (str_equal(argv[1], "--help") || str_equal(argv[1], "-h"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (is_capture ? !read_wish(&wish, argc, argv) : make(&m, is_metrics, argc, argv) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if ((is_capture ? capture(&wish, &m, &e) :
	     is_metrics ? metrics(&m, argc > 2 ? METRICS_OPENMETRICS : METRICS_TEXT, &e) :
			  talk(&m, NULL, &e)) == 0)
		return 0;
	log_err("%s", e.text);
	return 1;
}
