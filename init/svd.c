/* svd.c - the supervisor: starts the units, keeps them running, keeps their logs. See README.md and
 * unit.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/boot.h"
#include "init/capture.h"
#include "init/server.h"
#include "init/supervisor.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/str.h"
#include "lib/time.h"

enum { OWN_LOG_BYTES = 64 * 1024 };

static const char usage[] =
	"usage: svd UNIT_DIR RUN_DIR\n"
	"Starts the units of UNIT_DIR (*.unit), keeps state, logs and the control socket in "
	"RUN_DIR.\n"
	"PID 1 starts it as `svd /etc/cuvette/units /run/svd`; talk to it with svctl.\n";

static struct supervisor supervisor;
static pid_t init_pid;

static void ask_init(int signal)
{
	/* The parent, never simply 1: under a test the parent is the test. */
	if (getppid() != init_pid || kill(init_pid, signal))
		log_err("the process that started svd is gone: nobody can stop this machine in "
			"order");
}

static void on_signal(void *ctx, int number)
{
	(void)ctx;
	if (number == SIGTERM || number == SIGINT)
		supervisor_stop(&supervisor);
}

/* Logs of svd go the way of all units' logs: kept in a bound, warnings also on the console. */
static void redirect_own_log(struct capture *own, int run_dir_fd)
{
	struct err e;
	AUTO_FD int fd = -1;

	if (capture_open(own, supervisor.host.loop, run_dir_fd, supervisor.host.log_dir_fd, "svd",
			 OWN_LOG_BYTES, supervisor.host.console_fd, &e)) {
		log_warn("svd's own log stays on the console: %s", e.text);
		return;
	}
	fd = openat(run_dir_fd, "svd.log", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
}

/* True when this is the first svd of the boot. */
static bool open_dirs(const char *run_dir)
{
	struct err e;
	bool first;

	if (mkdir(run_dir, 0755) && errno != EEXIST)
		die("run directory %s: %s", run_dir, strerror(errno));
	supervisor.host.run_dir_fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (supervisor.host.run_dir_fd < 0)
		die("run directory %s: %s", run_dir, strerror(errno));
	first = mkdirat(supervisor.host.run_dir_fd, "log", 0700) == 0;
	supervisor.host.log_dir_fd =
		openat(supervisor.host.run_dir_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (supervisor.host.log_dir_fd < 0)
		die("log directory in %s: %s", run_dir, strerror(errno));
	supervisor.host.loop = loop_create(&e);
	if (!supervisor.host.loop)
		die("%s", e.text);
	return first;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, 0 };
	static struct server server;
	static struct capture own;
	struct err e;
	bool first;

	log_init("svd", LOG_LEVEL_INFO);
	if (argc != 3) {
		fputs(usage, stderr);
		return 2;
	}
	init_pid = getppid();
	supervisor.since_ns = time_boot_ns();
	supervisor.ask_init = ask_init;
	signal(SIGPIPE, SIG_IGN);
	first = open_dirs(argv[2]);
	supervisor.host.console_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (loop_signals(supervisor.host.loop, signals, on_signal, NULL, &e))
		die("%s", e.text);
	if (server_open(&server, &supervisor, argv[2], &e))
		die("%s", e.text);
	redirect_own_log(&own, supervisor.host.run_dir_fd);
	supervisor.said_ready = !first;
	if (first)
		boot_mark("svd", time_boot_ns());
	if (supervisor_load(&supervisor, argv[1], &e))
		log_err("%s: no unit runs", e.text);
	supervisor_start(&supervisor);
	if (loop_run(supervisor.host.loop, &e))
		log_err("%s", e.text);
	log_info("ends");
	server_close(&server);
	supervisor_finish(&supervisor);
	capture_drain(&own);
	capture_close(&own);
	return 0;
}
