/* probe - the only program of the image that tests/system/box.sh starts: says what a container can
 * do.
 *
 *   probe facts            NAME=VALUE lines about ids, capabilities, fds, and what refused attempts
 *                          answer
 *   probe exit N | sleep SECONDS | spam LINES | flood | write FILE TEXT | read FILE | euid |
 *         stat FILE | echo */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char *error_name(long result)
{
	if (result >= 0)
		return "done";
	switch (errno) {
	case EPERM: return "EPERM";
	case EACCES: return "EACCES";
	case ENOSYS: return "ENOSYS";
	case EROFS: return "EROFS";
	case ENOENT: return "ENOENT";
	case ETXTBSY: return "ETXTBSY";
	case EINVAL: return "EINVAL";
	case ENXIO: return "ENXIO";
	case ENOSPC: return "ENOSPC";
	default: return strerror(errno);
	}
}

static void say(const char *name, long result)
{
	printf("%s=%s\n", name, error_name(result));
}

static void print_file(const char *path)
{
	char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		printf("%s\n", error_name(-1));
	else
		fwrite(text, 1, (size_t)n, stdout);
	if (fd >= 0)
		close(fd);
}

/* The lines of /proc/self/status that say what we may do. */
static void print_status(void)
{
	static const char *const wanted[] = { "Uid:", "Gid:",	     "Groups:",
					      "Cap",  "NoNewPrivs:", "Seccomp:" };
	FILE *f = fopen("/proc/self/status", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0) {
				for (char *p = line; *p; p++)
					if (*p == '\t')
						*p = ' ';
				fputs(line, stdout);
			}
	if (f)
		fclose(f);
}

static void print_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");

	printf("fds=");
	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(dir))
			printf("%s,", d->d_name);
	printf("\n");
	if (dir)
		closedir(dir);
}

static void print_hidden(void)
{
	static const char *const paths[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/interrupts",
		"/proc/kcore",
		"/proc/keys",
		"/proc/latency_stats",
		"/proc/sched_debug",
		"/proc/scsi",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/sys/devices/virtual/powercap",
		"/sys/firmware",
	};
	bool hidden = true;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct stat st;
		char byte;

		if (stat(paths[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			DIR *dir = opendir(paths[i]);
			int entries = 0;

			while (dir && readdir(dir))
				entries++;
			hidden = hidden && entries == 2;
		} else {
			int fd = open(paths[i], O_RDONLY);

			hidden = hidden && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) &&
				 read(fd, &byte, 1) == 0;
			close(fd);
		}
	}
	printf("masked=%s\n", hidden ? "hidden" : "OPEN");
}

static void try_writes(void)
{
	static const char *const paths[] = {
		"/proc/sysrq-trigger",
		"/proc/sys/kernel/core_pattern",
		"/proc/irq/default_smp_affinity",
		"/sys/kernel/uevent_seqnum",
		"/proc/self/exe",
		"/proc/1/exe",
		"/devnode",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char name[128];

		snprintf(name, sizeof(name), "write %s", paths[i]);
		say(name, open(paths[i], O_WRONLY));
	}
	say("make /sys/x", mkdir("/sys/x", 0755));
	say("make /proc/sys/x", mkdir("/proc/sys/x", 0755));
}

static void try_calls(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };

	say("mknod", mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)));
	say("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	say("umount /proc/keys", umount2("/proc/keys", MNT_DETACH));
	say("unshare user", unshare(CLONE_NEWUSER));
	say("clone user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
	say("clone3", syscall(SYS_clone3, &args, sizeof(args)));
	say("setns", setns(0, CLONE_NEWNET));
	say("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	say("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
	say("request_key", syscall(SYS_request_key, "user", "x", NULL, 0));
	say("bpf", syscall(SYS_bpf, 0, NULL, 0));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
	say("userfaultfd", syscall(SYS_userfaultfd, 0));
	say("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	say("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	say("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
	say("swapon", syscall(SYS_swapon, "/x", 0));
	say("AF_ALG", socket(38, SOCK_SEQPACKET, 0));
	say("AF_VSOCK", socket(40, SOCK_STREAM, 0));
	say("AF_INET", socket(AF_INET, SOCK_STREAM, 0));
	say("personality", personality(0x40000));
	say("unknown call", syscall(2000));
	say("x32 call", syscall(0x40000000 | 39));
	say("sethostname", sethostname("x", 1));
}

static int facts(void)
{
	char cwd[4096], host[256];

	print_fds();	/* first: the rest opens files */
	print_status();
	printf("pid=%d sid=%d\n", (int)getpid(), (int)getsid(0));
	printf("cwd=%s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	printf("hostname=%s\n", gethostname(host, sizeof(host)) ? "?" : host);
	printf("umask=%03o\n", umask(022));
	printf("uid_map=");
	fflush(stdout);
	print_file("/proc/self/uid_map");
	printf("max_user_namespaces=");
	print_file("/proc/sys/user/max_user_namespaces");
	printf("max_inotify_instances=");
	print_file("/proc/sys/user/max_inotify_instances");
	print_hidden();
	try_writes();
	try_calls();
	say("reopen /dev/stdout", open("/dev/stdout", O_WRONLY));
	say("write to the root", open("/made", O_WRONLY | O_CREAT, 0644));
	return 0;
}

static int spam(int lines)
{
	for (int i = 0; i < lines; i++)
		printf("line %07d \"quoted\" \\ \x01 \xc3\xa4 \xff "
		       ".......................................\n",
		       i);
	return 0;
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f)) {
		printf("write %s=%s\n", path, error_name(-1));
		return 1;
	}
	return 0;
}

/* Answers each line of the input; `size` with the terminal's, `exit` by ending. */
static int echo(void)
{
	struct winsize size = { 0 };
	char line[256];

	printf("tty=%d console=%d\n", isatty(0), open("/dev/console", O_RDWR | O_NOCTTY) >= 0);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strcmp(line, "exit") == 0)
			return 5;
		if (strcmp(line, "size") == 0 && ioctl(0, TIOCGWINSZ, &size) == 0)
			printf("size=%dx%d\n", size.ws_row, size.ws_col);
		else
			printf("got %s\n", line);
		fflush(stdout);
	}
	puts("end");
	return 6;
}

/* Both streams, as fast as they are taken. */
static int flood(void)
{
	static char lines[65536];

	memset(lines, 'x', sizeof(lines));
	for (size_t i = 99; i < sizeof(lines); i += 100)
		lines[i] = '\n';
	for (int fd = 1;; fd = 3 - fd)
		if (write(fd, lines, sizeof(lines)) < 0)
			return 1;
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc >= 2 && strcmp(argv[1], "facts") == 0)
		return facts();
	if (argc >= 2 && strcmp(argv[1], "euid") == 0)
		return printf("euid=%d\n", (int)geteuid()) < 0;
	if (argc >= 3 && strcmp(argv[1], "exec") == 0)
		return execv(argv[2], argv + 2);
	if (argc >= 3 && strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "sleep") == 0)
		return (int)sleep((unsigned)atoi(argv[2]));
	if (argc >= 2 && strcmp(argv[1], "flood") == 0)
		return flood();
	if (argc >= 2 && strcmp(argv[1], "echo") == 0)
		return echo();
	if (argc >= 3 && strcmp(argv[1], "spam") == 0)
		return spam(atoi(argv[2]));
	if (argc >= 4 && strcmp(argv[1], "write") == 0)
		return write_file(argv[2], argv[3]);
	if (argc >= 3 && strcmp(argv[1], "read") == 0) {
		print_file(argv[2]);
		return 0;
	}
	if (argc >= 3 && strcmp(argv[1], "stat") == 0 && stat(argv[2], &st) == 0)
		return printf("%u:%u %o\n", st.st_uid, st.st_gid, st.st_mode & 07777) < 0;
	return 99;
}
