/* engined - the owner of state: reads the compose file and brings it up through boxd.
 *
 * Started by svd. Passed files: compose, cmdline, config (optional), control (optional), output
 * (optional), console, boot, notify, engined.sock (optional; enginectl's). SIGTERM: ends at once,
 * containers go on. SIGPWR: the machine stops, so do they. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/control.h"
#include "engine/engine.h"
#include "engine/report.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/jail.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/proc.h"

enum { ENGINE_UID = 101, ENGINE_GID = 101, BOOT_ID_BYTES = 64 };

static const char STATE_PATH[] = "/data/engine";
static const char IMAGES_PATH[] = "/images";

struct program {
	struct loop *loop;
	struct engine *engine;
	struct report report;
	struct engine_files files;
	char boot_id[BOOT_ID_BYTES];
};

/* Beyond what jail.h allows to everybody. */
static const char *const syscalls[] = {
	"accept4",	 "clock_gettime", "close",     "connect",      "epoll_create1", "epoll_ctl",
	"epoll_pwait",	 "fcntl",     "fstat",	      "fsync",	       "getdents64",
	"getrandom",	 "lseek",     "memfd_create", "mkdirat",       "nanosleep",
	"newfstatat",	 "openat", "pipe2",    "read",	      "recvmsg",       "renameat",
	"sendmsg",	 "sendto",    "shutdown",     "signalfd4",     "socket",
	"unlinkat",	 NULL,
};

static void take_fds(struct program *p)
{
	p->files = (struct engine_files){
		.compose_fd = proc_passed_fd("compose"),
		.config_fd = proc_passed_fd("config"),
		.cmdline_fd = proc_passed_fd("cmdline"),
		.output_fd = proc_passed_fd("output"),
		.inspect_fd = proc_passed_fd("engined.sock"),
		.images_fd = open(IMAGES_PATH, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.state_fd = -1,
		.boot_id = p->boot_id,
		.routes4_fd = open("/proc/net/route", O_RDONLY | O_CLOEXEC),
		.routes6_fd = open("/proc/net/ipv6_route", O_RDONLY | O_CLOEXEC),
		.box_socket = "/run/cuvette/boxd.sock",
		.net_socket = "/run/cuvette/netd.sock",
	};
	p->report.console_fd = proc_passed_fd("console");
	p->report.boot_fd = proc_passed_fd("boot");
	/* A console that takes nothing (Ctrl-S, a host that does not read) costs lines, not the
	 * engine. */
	if (p->report.console_fd >= 0)
		fd_set_nonblock(p->report.console_fd, NULL);
	if (p->files.images_fd < 0)
		die("open %s: %s", IMAGES_PATH, strerror(errno));
}

/* The kernel's own file, read before the jail closes /proc. */
static void read_boot_id(struct program *p)
{
	AUTO_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct err e;
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, p->boot_id, sizeof(p->boot_id) - 1, &e);

	if (n <= 0)
		die("the boot id cannot be read");
	p->boot_id[n] = '\0';
	p->boot_id[strcspn(p->boot_id, "\n")] = '\0';
}

static void enter_jail(void)
{
	static const char *const read_paths[] = { IMAGES_PATH, NULL };
	static const char *const write_paths[] = { STATE_PATH, NULL };
	static const struct jail_spec jail = {
		.program = "engined",
		.uid = ENGINE_UID,
		.gid = ENGINE_GID,
		.read_paths = read_paths,
		.write_paths = write_paths,
		.allow_connect_tcp = true,
		.syscalls = syscalls,
	};
	struct err e;

	if (jail_enter(&jail, &e) < 0)
		die("%s", e.text);
}

/* svd stops the machine: engine_stop follows as SIGPWR. */
static void on_poweroff(void *ctx)
{
	(void)ctx;
	log_info("the launcher asks to power off");
	proc_ask_poweroff();
}

static void on_signal(void *ctx, int number)
{
	struct program *p = ctx;

	if (number == SIGPWR)
		engine_stop(p->engine);
	else
		loop_stop(p->loop);
}

static void make_loop(struct program *p)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGPWR, 0 };
	int control_fd = proc_passed_fd("control");
	struct err e;

	p->loop = loop_create(&e);
	if (!p->loop || loop_signals(p->loop, signals, on_signal, p, &e) < 0)
		die("%s", e.text);
	if (control_fd >= 0)
		p->report.control = control_create(p->loop, control_fd, on_poweroff, p);
}

/* A missing one is not the end: the engine goes on from memory and says so. */
static void open_state(struct program *p)
{
	p->files.state_fd = openat(AT_FDCWD, STATE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->files.state_fd < 0)
		log_warn("open %s: %s", STATE_PATH, strerror(errno));
}

int main(void)
{
	static struct program p;
	struct err e;

	log_init("engined", LOG_LEVEL_INFO);
	/* A port or a connection whose reader went away is an error of the write, not the end of
	 * the engine. */
	signal(SIGPIPE, SIG_IGN);
	take_fds(&p);
	read_boot_id(&p);
	enter_jail();
	open_state(&p);
	make_loop(&p);
	p.engine = engine_create(p.loop, &p.report, &p.files);
	if (engine_load(p.engine, &e) == 0) {
		proc_tell_ready();
		engine_start(p.engine);
	} else {
		/* Not ready, but there: the launcher can still power the machine off, and nothing
		 * starts again in a circle. */
		engine_refuse(p.engine, e.text);
	}
	if (loop_run(p.loop, &e) < 0)
		die("%s", e.text);
	engine_destroy(p.engine);
	control_destroy(p.report.control);
	loop_destroy(p.loop);
	return 0;
}
