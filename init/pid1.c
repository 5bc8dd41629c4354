/* pid1.c - PID 1: makes the machine usable, starts svd, reaps, ends the machine. See README.md.
 *
 * Every signal but the faults is blocked and taken by sigtimedwait(2): there are no handlers to
 * race with, and nothing is allocated, ever. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/boot.h"
#include "init/bounded.h"
#include "init/child.h"
#include "init/clock.h"
#include "init/cmdline.h"
#include "init/crash.h"
#include "init/disk.h"
#include "init/listing.h"
#include "init/mounts.h"
#include "init/share.h"
#include "init/shutdown.h"
#include "lib/array.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

#define SELF "/sbin/init"
#define HOST_NAME "cuvette"

enum {
	SHARE_BOUND_MS = 5000,
	FURNISH_BOUND_MS = 20000,
	CLOCK_SAVE_MS = 3600 * 1000,
	REAP_BATCH = 512, /* then signals get a look: a fork bomb shall not hold a shutdown up */
	FILES_SOFT = 1024,
	FILES_HARD = 524288, /* what container images are used to */
};

static struct child svd = {
	.name = "svd", .path = "/usr/lib/cuvette/svd", .wanted = true,
	.argv = (const char *const[]){ "svd", "/etc/cuvette/units", "/run/svd", NULL },
};

static pid_t clock_saver;

static struct child shell = {
	.name = "emergency shell", .path = "/usr/bin/busybox", .console = true,
	.argv = (const char *const[]){ "sh", NULL },
};

/* A console that stopped its output (Ctrl-S) must not stop PID 1: lines get lost instead. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		log_warn("network interface lo cannot be raised: %m");
	if (fd >= 0)
		close(fd);
}

static bool mount_share(void *ctx)
{
	return share_mount(*(enum share_kind *)ctx);
}

static void find_share(void)
{
	enum share_kind kind = share_find();

	if (kind == SHARE_NONE)
		return;
	mounts_place(SHARE_DIR, 0755, 0, 0);
	if (bounded_run(mount_share, &kind, SHARE_BOUND_MS) != BOUNDED_DONE)
		log_warn("the host's shared folder cannot be mounted: work is kept on the data "
			 "disk only");
}

/* The places on the data disk, and the clock that was saved there. */
static bool furnish(void *ctx)
{
	(void)ctx;
	mounts_place("/data/box", 0700, 0, 0);
	mounts_place("/data/engine", 0700, MOUNTS_ENGINE_ID, MOUNTS_ENGINE_ID);
	mounts_place("/data/volumes", 0711, 0, 0);
	clock_raise();
	return true;
}

static void open_data(enum cmdline_data asked)
{
	disk_mount_data(asked);
	if (bounded_run(furnish, NULL, FURNISH_BOUND_MS) == BOUNDED_LATE)
		log_err("the data disk does not answer within %d s: containers will not start; "
			"check that disk", FURNISH_BOUND_MS / 1000);
}

static void read_cmdline(struct cmdline *c)
{
	char text[4096] = "";

	if (!listing_read("/proc/cmdline", text, sizeof(text)))
		log_warn("/proc/cmdline cannot be read: %m; its wishes are ignored");
	cmdline_parse(text, c);
	if (c->wrong[0])
		log_warn("kernel command line: %s has no meaning and is ignored%s%s", c->wrong,
			 c->hint ? "; the nearest is " : "", c->hint ? c->hint : "");
}

static void stage(const char *name)
{
	uint64_t now_ns = time_boot_ns();

	boot_mark(name, now_ns);
	log_info("%s ready, %u ms after the kernel", name, (unsigned)(now_ns / 1000000));
}

static void boot(uint64_t kernel_ns)
{
	struct cmdline cmdline;
	struct rlimit files = { FILES_SOFT, FILES_HARD };

	mounts_make();
	open_console();
	boot_mark("kernel", kernel_ns);
	read_cmdline(&cmdline);
	if (sethostname(HOST_NAME, strlen(HOST_NAME)))
		log_warn("host name %s: %m", HOST_NAME);
	if (setrlimit(RLIMIT_NOFILE, &files))
		log_warn("limit of open files: %m");
	reboot(RB_DISABLE_CAD);		/* Ctrl-Alt-Del becomes a SIGINT to us */
	raise_loopback();
	find_share();
	stage("mounts");
	open_data(cmdline.data);
	stage("data");
	shell.wanted = cmdline.console_shell;
}

/* After a fault: everything is mounted, the children are known by the arguments. */
static void take_over(char **argv, uint64_t now_ms)
{
	uint64_t pids[CRASH_CHILDREN];

	for (int i = 0; i < CRASH_CHILDREN; i++)
		if (!argv[i + 2] || !str_to_u64(argv[i + 2], &pids[i]))
			return;
	svd.pid = (pid_t)pids[0];
	shell.pid = (pid_t)pids[1];
	shell.wanted = shell.pid != 0;
	svd.started_ms = shell.started_ms = now_ms;
	log_warn("PID 1 goes on after a fault");
}

/* False when the batch was full and there may be more. */
static bool reap(void)
{
	for (int i = 0; i < REAP_BATCH; i++) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return true;
		if (pid == clock_saver)
			clock_saver = 0;
		else if (!child_reaped(&svd, pid, status, time_boot_ms()))
			child_reaped(&shell, pid, status, time_boot_ms());
	}
	return false;
}

/* In a child: the disk may hang. As long as it does there is one such child, no more. */
static void save_clock_if_due(uint64_t now_ms, uint64_t *due_ms)
{
	if (now_ms < *due_ms)
		return;
	*due_ms = now_ms + CLOCK_SAVE_MS;
	if (clock_saver > 0) {
		log_warn("the data disk has not answered for an hour: check that disk");
		return;
	}
	clock_saver = fork();		/* fails: next hour */
	if (clock_saver == 0) {
		clock_save();
		_exit(0);
	}
}

static _Noreturn void run(const sigset_t *all)
{
	uint64_t save_ms = time_boot_ms() + CLOCK_SAVE_MS;

	for (;;) {
		uint64_t now_ms = time_boot_ms(), due_ms = save_ms;
		bool reaped_all = reap();
		struct timespec wait = { 0, 0 };
		enum shutdown_kind kind;
		int number;

		child_start(&svd, now_ms);
		child_start(&shell, now_ms);
		save_clock_if_due(now_ms, &save_ms);
		due_ms = child_due_ms(&svd) < due_ms ? child_due_ms(&svd) : due_ms;
		due_ms = child_due_ms(&shell) < due_ms ? child_due_ms(&shell) : due_ms;
		if (reaped_all && due_ms > now_ms)
			wait = (struct timespec){ (time_t)((due_ms - now_ms) / 1000),
						  (long)((due_ms - now_ms) % 1000) * 1000000 };
		number = sigtimedwait(all, NULL, &wait);
		kind = number > 0 ? shutdown_asked(number) : SHUTDOWN_NONE;
		if (kind != SHUTDOWN_NONE)
			shutdown_machine(kind, &svd, &shell);
	}
}

int main(int argc, char **argv)
{
	static pid_t *const children[CRASH_CHILDREN] = { &svd.pid, &shell.pid };
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
	uint64_t kernel_ns = time_boot_ns();
	sigset_t all;

	if (getpid() != 1) {
		fprintf(stderr, "init: only the kernel starts this program, as PID 1; to control a "
				"running system use svctl\n");
		return 2;
	}
	sigfillset(&all);
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&all, faults[i]);
	sigprocmask(SIG_SETMASK, &all, NULL);
	crash_guard(SELF, children);
	log_init("init", LOG_LEVEL_INFO);
	if (argc >= 2 && str_equal(argv[1], "--again"))
		take_over(argv, time_boot_ms());
	else
		boot(kernel_ns);
	run(&all);
}
