/* walk.c - the only program of the containers of tests/vm/box_walk.sh: what can be reached from
 * inside, and what a hostile program does to the machine.
 *
 *   walk writable      files of /proc and /sys that open for writing, folders that take a new name
 *   walk readable      what of /proc and of the telling parts of /sys gives a byte, and who tells
 *   walk capable       writable, once with no capability and once with each one alone: its number
 *                      in front of each line, "none" for no one
 *   walk queues        may the queue of a device be chosen, and who tells of it
 *   walk abi           calls of the two 32-bit interfaces: how many of all are refused
 *   walk beat          a number each tenth of a second, for ever
 *   walk bomb KIND     fork | memory | fds | ptys | inotify: takes all it gets and stays
 *   walk storm         processes that end at once and make new ones, for ever
 *   walk spare         can one process, one file, one pty, one inotify still be had */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NUMBERS = 600, X32_BIT = 0x40000000, KLOG_READ_ALL = 3 };

static bool is_number(const char *name)
{
	return *name && name[strspn(name, "0123456789")] == '\0';
}

/* The path with what differs from machine to machine taken out: processes and interrupts. */
static void show(const char *path, const char *behind)
{
	char text[PATH_BYTES], *save, *word;
	bool varies = false;

	snprintf(text, sizeof(text), "%s", path);
	for (word = strtok_r(text, "/", &save); word; word = strtok_r(NULL, "/", &save)) {
		printf("/%s", varies && is_number(word) ? "N" : word);
		varies = strcmp(word, "proc") == 0 || strcmp(word, "task") == 0 ||
			 strcmp(word, "irq") == 0;
	}
	puts(behind);
}

static void try_file(const char *path, mode_t mode)
{
	/* CAP_DAC_OVERRIDE opens files whose mode has no write bit; they have no writer either. */
	int fd = mode & 0222 ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW) : -1;

	if (fd < 0)
		return;
	close(fd);
	show(path, "");
}

static void try_folder(const char *path)
{
	char inside[PATH_BYTES + 8];

	snprintf(inside, sizeof(inside), "%s/walked", path);
	if (mkdir(inside, 0700) < 0)
		return;
	rmdir(inside);
	show(path, "/");
}

static void read_file(const char *path, mode_t mode)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	char byte;

	if (fd >= 0 && !S_ISDIR(mode) && read(fd, &byte, 1) == 1)
		show(path, "");
	if (fd >= 0)
		close(fd);
}

/* Of the processes only this one: another's files are the same, and it may end meanwhile. */
static bool is_other(const char *path, const char *name)
{
	return strcmp(path, "/proc") == 0 && is_number(name) && atoi(name) != getpid();
}

static void walk(const char *path, const char *const *leave, void (*file)(const char *, mode_t),
		 void (*folder)(const char *))
{
	DIR *dir = opendir(path);
	char inside[PATH_BYTES];
	struct stat st;

	if (folder)
		folder(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		bool left = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
			    is_other(path, d->d_name);

		snprintf(inside, sizeof(inside), "%s/%s", path, d->d_name);
		for (const char *const *l = leave; *l; l++)
			left = left || strcmp(inside, *l) == 0;
		if (left || lstat(inside, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			walk(inside, leave, file, folder);
		else if (!S_ISLNK(st.st_mode))
			file(inside, st.st_mode);
	}
	if (dir)
		closedir(dir);
}

static void writable(void)
{
	static const char *const leave[] = { NULL };

	walk("/proc", leave, try_file, try_folder);
	walk("/sys", leave, try_file, try_folder);
}

/* number -1: none at all. */
static void keep_one_capability(int number)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (number >= 0)
		data[number / 32].effective = data[number / 32].permitted = 1u << number % 32;
	if (syscall(SYS_capset, &head, data) < 0)
		_exit(3);
}

static int capable(void)
{
	int status, ends[2];
	char line[PATH_BYTES];

	for (int number = -1; number <= CAP_LAST_CAP; number++) {
		if (pipe(ends) < 0)
			return 1;
		fflush(stdout);
		pid_t child = fork();

		if (child == 0) {
			dup2(ends[1], STDOUT_FILENO);
			syscall(SYS_close_range, 3, ~0u, 0);
			keep_one_capability(number);
			writable();
			fflush(stdout);
			_exit(0);
		}
		close(ends[1]);
		FILE *from = fdopen(ends[0], "r");

		while (from && fgets(line, sizeof(line), from))
			number < 0 ? printf("none %s", line) : printf("%d %s", number, line);
		fclose(from);
		if (waitpid(child, &status, 0) != child || status != 0) {
			printf("%d failed\n", number);
			return 1;
		}
	}
	return 0;
}

static void read_telling(const char *path, mode_t mode)
{
	static const char *const words[] = { "/thermal_throttle/", "/powercap/", "/hwmon",
					     "/power_supply/", "energy", NULL };

	for (const char *const *w = words; *w; w++)
		if (strstr(path, *w)) {
			read_file(path, mode);
			return;
		}
}

static const char *error_name(void)
{
	switch (errno) {
	case EPERM: return "EPERM";
	case EACCES: return "EACCES";
	case ENOENT: return "ENOENT";
	case ENOSYS: return "ENOSYS";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	case EAGAIN: return "EAGAIN";
	case EMFILE: return "EMFILE";
	case ENOSPC: return "ENOSPC";
	default: return strerror(errno);
	}
}

static void answer(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "given" : error_name());
}

static void readable(void)
{
	char self[32], text[256], *line = NULL;
	const char *const leave[] = { self, "/proc/sys", NULL };
	/* Sizes of huge pages and how often they were used tell nothing of a neighbour. */
	static const char *const plain[] = { "/sys/kernel/mm", NULL };
	FILE *symbols = fopen("/proc/kallsyms", "re");
	size_t room = 0;
	int shown = 0;

	snprintf(self, sizeof(self), "/proc/%d", getpid());
	walk("/proc", leave, read_file, NULL);
	walk("/sys/kernel", plain, read_file, NULL);
	walk("/sys/firmware", plain, read_file, NULL);
	walk("/sys/devices", plain, read_telling, NULL);
	while (symbols && getline(&line, &room, symbols) > 0)
		shown += strncmp(line, "0000000000000000", 16) != 0;
	printf("addresses in kallsyms: %s\n", shown ? "SHOWN" : "none");
	answer("dmesg", klogctl(KLOG_READ_ALL, text, sizeof(text)));
	answer("/dev/kmsg", open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	answer("/dev/mem", open("/dev/mem", O_RDONLY | O_CLOEXEC));
	answer("add_key", syscall(SYS_add_key, "user", "walk", "x", 1L, -3L));
	answer("keyctl", syscall(SYS_keyctl, 0L, -3L, 0L));
	answer("request_key", syscall(SYS_request_key, "user", "walk", NULL, -3L));
}

/* A message of tc about the queue of loopback, the only device that is there for certain: 0, or -1
 * and what the kernel answers in errno. */
static int queue_message(unsigned short type, unsigned short flags)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg about;
		struct rtattr attribute;
		char kind[8];
	} ask = {
		.head = { sizeof(ask), type, NLM_F_REQUEST | flags, 1, 0 },
		.about = { .tcm_ifindex = 1, .tcm_parent = TC_H_ROOT },
		.attribute = { RTA_LENGTH(sizeof("pfifo")), TCA_KIND },
		.kind = "pfifo",
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[8192];
	} reply;
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (s < 0 || send(s, &ask, sizeof(ask), 0) < 0 || recv(s, &reply, sizeof(reply), 0) < 0)
		return -1;
	close(s);
	errno = reply.head.nlmsg_type == NLMSG_ERROR ? -reply.error.error : 0;
	return errno ? -1 : 0;
}

static int queues(void)
{
	answer("queue made", queue_message(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE));
	answer("queue deleted", queue_message(RTM_DELQDISC, NLM_F_ACK));
	answer("class of a queue made", queue_message(RTM_NEWTCLASS, NLM_F_ACK | NLM_F_CREATE));
	answer("queues listed", queue_message(RTM_GETQDISC, NLM_F_DUMP));
	return 0;
}

/* ---- the 32-bit interfaces */

static sigjmp_buf refused;

static void on_fault(int number)
{
	siglongjmp(refused, number);
}

/* int 0x80: a fault where the kernel has no such interface, ENOSYS where the filter answers. */
static bool i386_refuses(long number)
{
	long result = number;

	if (sigsetjmp(refused, 1))
		return true;
	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return result == -ENOSYS;
}

static bool x32_refuses(long number)
{
	return syscall(X32_BIT | number, 0L, 0L, 0L, 0L, 0L, 0L) == -1 && errno == ENOSYS;
}

/* All numbers, thus each that the profile denies. The first that is served ends it: it might be
 * fork. */
static int abi(void)
{
	static const struct {
		const char *name;
		bool (*refuses)(long);
	} ways[] = { { "int 0x80", i386_refuses }, { "x32", x32_refuses } };

	signal(SIGSEGV, on_fault);
	signal(SIGSYS, on_fault);
	for (size_t i = 0; i < 2; i++) {
		int number = 0;

		while (number < NUMBERS && ways[i].refuses(number))
			number++;
		printf("%s: %d of %d refused\n", ways[i].name, number, NUMBERS);
	}
	return 0;
}

/* ---- bombs */

static void say_and_stay(const char *kind, long count)
{
	printf("%s: %ld, then %s\n", kind, count, error_name());
	fflush(stdout);
	for (;;)
		pause();
}

static int open_file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int open_pty(void)
{
	return open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int open_inotify(void)
{
	return inotify_init1(IN_CLOEXEC);
}

/* A full table of files is no end: the next process has its own. The last of them says how it
 * ended. */
static void take_all(const char *kind, int (*take)(void))
{
	pid_t child = 0;
	long count;
	int last;

	do {
		syscall(SYS_close_range, 3, ~0u, 0);
		for (count = 0; take() >= 0; count++)
			;
		last = errno;
		if (last != EMFILE || open_file() >= 0)
			break;
		child = fork();
		last = errno;
	} while (child == 0);
	if (child > 0)
		wait(NULL);
	errno = last;
	say_and_stay(kind, count);
}

static int bomb(const char *kind)
{
	if (strcmp(kind, "fork") == 0)
		for (;;)
			fork();
	/* A child is what is killed: the container stays. */
	if (strcmp(kind, "memory") == 0)
		for (;;) {
			if (fork() == 0)
				for (;;)
					memset(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
						    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
					       1, 1 << 20);
			wait(NULL);
		}
	if (strcmp(kind, "fds") == 0)
		take_all(kind, open_file);
	if (strcmp(kind, "ptys") == 0)
		take_all(kind, open_pty);
	if (strcmp(kind, "inotify") == 0)
		take_all(kind, open_inotify);
	return 2;
}

/* A freezer, a kill and a limit have to catch what is just being made. */
static int storm(void)
{
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			for (;;)
				if (fork() > 0)
					_exit(0);
	for (;;)
		wait(NULL);
}

static int spare(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	answer("process", child);
	answer("file", open_file());
	answer("pty", open_pty());
	answer("inotify", open_inotify());
	return 0;
}

static int beat(void)
{
	for (long i = 1;; i++) {
		printf("%ld\n", i);
		fflush(stdout);
		usleep(100000);
	}
}

static int place(void)
{
	char text[4096];
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, sizeof(text));

	return size <= 0 || write(STDOUT_FILENO, text, (size_t)size) != size;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "writable") == 0)
		return writable(), 0;
	if (strcmp(verb, "readable") == 0)
		return readable(), 0;
	if (strcmp(verb, "capable") == 0)
		return capable();
	if (strcmp(verb, "storm") == 0)
		return storm();
	if (strcmp(verb, "queues") == 0)
		return queues();
	if (strcmp(verb, "abi") == 0)
		return abi();
	if (strcmp(verb, "beat") == 0)
		return beat();
	if (strcmp(verb, "place") == 0)
		return place();
	if (strcmp(verb, "spare") == 0)
		return spare();
	if (strcmp(verb, "bomb") == 0 && argc == 3)
		return bomb(argv[2]);
	fputs("usage: see the head of walk.c\n", stderr);
	return 2;
}
