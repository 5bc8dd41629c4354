/* inmate - the only program of the containers in box_start.py; also their hook. Says what it is and
 * what it may do.
 *
 *   inmate COMMAND [ARG...] [, COMMAND [ARG...]]...
 * status | fds | ns | env | sched | keyring | names | clocks | tty | cat FILE | write FILE TEXT |
 * open FILE | make DIR | seek OFFSET | userns | hunt | hook OUT | sleep | exit N */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *answer(long result)
{
	return result >= 0 ? "done" : strerror(errno);
}

static void copy(int from, FILE *to)
{
	char text[8192];
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, to);
}

static void cat(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		printf("%s: %s\n", path, answer(-1));
	else
		copy(fd, stdout);
	close(fd);
}

static void status(void)
{
	char cwd[4096];
	mode_t mask = umask(0);

	umask(mask);
	cat("/proc/self/status");
	printf("cwd=%s\numask=%03o\npid=%d\nsid=%d\noom=", getcwd(cwd, sizeof(cwd)) ? cwd : "?",
	       mask, getpid(), getsid(0));
	fflush(stdout);
	cat("/proc/self/oom_score_adj");
}

static void fds(FILE *out)
{
	DIR *dir = opendir("/proc/self/fd");

	fprintf(out, "fds=");
	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(dir))
			fprintf(out, "%s,", d->d_name);
	fprintf(out, "\n");
	if (dir)
		closedir(dir);
}

static void namespaces(void)
{
	static const char *const names[] = { "user", "pid",    "mnt", "uts",
					     "ipc",  "cgroup", "net", "time" };
	char path[64], target[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		ssize_t n = readlink(path, target, sizeof(target) - 1);

		target[n < 0 ? 0 : n] = '\0';
		printf("ns %s=%s\n", names[i], target);
	}
}

static void schedule(void)
{
	cpu_set_t cpus;
	struct sched_param param = { 0 };
	int mode = -1;

	CPU_ZERO(&cpus);
	syscall(SYS_sched_getaffinity, 0, sizeof(cpus), &cpus);
	syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0);
	/* musl's sched_getscheduler says ENOSYS on purpose. */
	syscall(SYS_sched_getparam, 0, &param);
	printf("policy=%ld\nnice=%d\nioprio=%ld\npersonality=%x\ncpus=%d\nmempolicy=%d\n",
	       syscall(SYS_sched_getscheduler, 0), getpriority(PRIO_PROCESS, 0),
	       syscall(SYS_ioprio_get, 1, 0), (unsigned)personality(0xffffffff), CPU_COUNT(&cpus),
	       mode);
	printf("rtprio=%d\n", param.sched_priority);
}

static void keyring(void)
{
	printf("keyring=%ld\n",
	       syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

/* On an open file whose offset nobody needs. */
static void seek(const char *text)
{
	int fd = open("/inmate", O_RDONLY | O_CLOEXEC);

	printf("seek %s=%s\n", text,
	       answer(syscall(SYS_lseek, fd, strtoll(text, NULL, 10), SEEK_SET)));
	close(fd);
}

static void names(void)
{
	struct utsname u;

	uname(&u);
	printf("hostname=%s\ndomainname=%s\n", u.nodename, u.domainname);
}

static void clocks(void)
{
	struct timespec m, b;

	clock_gettime(CLOCK_MONOTONIC, &m);
	clock_gettime(CLOCK_BOOTTIME, &b);
	printf("monotonic=%lld\nboottime=%lld\n", (long long)m.tv_sec, (long long)b.tv_sec);
}

static void tty(void)
{
	struct winsize size = { 0 };
	struct stat zero, console;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	ioctl(0, TIOCGWINSZ, &size);
	printf("tty=%d%d%d\nsize=%dx%d\ncontrolling=%s\n", isatty(0), isatty(1), isatty(2),
	       size.ws_row, size.ws_col, answer(fd));
	fstat(0, &zero);
	memset(&console, 0, sizeof(console));
	stat("/dev/console", &console);
	printf("console=%s\nowner=%u\n", zero.st_rdev == console.st_rdev ? "same" : "other",
	       zero.st_uid);
}

/* Everything that is not us: may we reach into it? */
static unsigned hunted, caught;

static void hunt_one(pid_t pid)
{
	static const struct {
		const char *name;
		int flags;
	} files[] = { { "exe", O_WRONLY }, { "mem", O_RDWR }, { "environ", O_RDONLY },
		      { "root/.", O_RDONLY }, { "cwd/.", O_RDONLY }, { "fd/3", O_RDONLY },
		      { "fd/4", O_RDONLY }, { "fd/5", O_RDONLY }, { "maps", O_RDONLY } };
	char path[64], exe[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = '\0';
	if (strcmp(exe, "/inmate") == 0)
		return;		/* one of ours: after its exec it is fair game */
	hunted++;
	if (n > 0)
		caught++, printf("caught %d by its exe %s\n", pid, exe);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i].name);
		int fd = open(path, files[i].flags | O_CLOEXEC);

		if (fd < 0)
			continue;
		/* It may have become ours in between. */
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		n = readlink(path, exe, sizeof(exe) - 1);
		exe[n < 0 ? 0 : n] = '\0';
		if (n > 0 && strcmp(exe, "/inmate") != 0)
			caught++, printf("caught %d by %s of %s\n", pid, files[i].name, exe);
		close(fd);
	}
}

static void hunt(void)
{
	printf("hunting\n");
	fflush(stdout);
	while (access("/stop", F_OK) < 0) {
		DIR *dir = opendir("/proc");

		for (struct dirent *d; dir && (d = readdir(dir));)
			if (atoi(d->d_name) > 1)
				hunt_one(atoi(d->d_name));
		closedir(dir);
	}
	printf("caught=%u\nhunted=%s\n", caught, hunted ? "some" : "none");
}

static void hook(const char *out_path, char **argv)
{
	char cwd[4096];
	FILE *out = fopen(out_path, "ae");

	if (!out)
		exit(9);
	fprintf(out, "hook cwd=%s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	for (; *argv; argv++)
		fprintf(out, "arg=%s\n", *argv);
	for (char **e = environ; *e; e++)
		fprintf(out, "env=%s\n", *e);
	fds(out);
	fprintf(out, "state=");
	fflush(out);
	copy(0, out);
	fprintf(out, "\n");
	fclose(out);
}

static int run(int argc, char **argv)
{
	const char *what = argv[0], *one = argc > 1 ? argv[1] : "", *two = argc > 2 ? argv[2] : "";
	struct stat st = { 0 };
	int fd;

	if (!strcmp(what, "status")) status();
	else if (!strcmp(what, "fds")) fds(stdout);
	else if (!strcmp(what, "ns")) namespaces();
	else if (!strcmp(what, "sched")) schedule();
	else if (!strcmp(what, "keyring")) keyring();
	else if (!strcmp(what, "names")) names();
	else if (!strcmp(what, "clocks")) clocks();
	else if (!strcmp(what, "tty")) tty();
	else if (!strcmp(what, "cat")) cat(one);
	else if (!strcmp(what, "make")) printf("make=%s\n", answer(mkdir(one, 0777)));
	else if (!strcmp(what, "seek")) seek(one);
	else if (!strcmp(what, "userns")) printf("userns=%s\n", answer(unshare(CLONE_NEWUSER)));
	else if (!strcmp(what, "hunt")) hunt();
	else if (!strcmp(what, "sleep")) pause();
	else if (!strcmp(what, "exit")) return atoi(one);
	else if (!strcmp(what, "hook")) hook(one, argv + 2);
	else if (!strcmp(what, "owner") && stat(one, &st) == 0)
		printf("owner %s=%u:%u\n", one, st.st_uid, st.st_gid);
	else if (!strcmp(what, "env"))
		for (char **e = environ; *e; e++)
			printf("env=%s\n", *e);
	else if (!strcmp(what, "open")) {
		fd = open(one, O_RDWR | O_CLOEXEC);
		printf("open %s=%s\n", one, answer(fd));
		close(fd);
	} else if (!strcmp(what, "write")) {
		fd = open(one, O_WRONLY | O_CLOEXEC);
		long n = fd < 0 ? -1 : write(fd, two, strlen(two));

		printf("write %s=%s\n", one, answer(n));
		close(fd);
	}
	fflush(stdout);
	return -1;
}

int main(int argc, char **argv)
{
	int code = -1;

	for (int at = 1; at < argc && code < 0; at++) {
		int end = at;

		while (end < argc && strcmp(argv[end], ",") != 0)
			end++;
		argv[end] = NULL;
		code = run(end - at, argv + at);
		at = end;
	}
	return code < 0 ? 0 : code;
}
