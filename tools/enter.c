/* enter.c - run one command inside the tool root: tools/enter's second half, built by
 * tools/toolroot.
 *
 * enter [--offline] [--bind HOST:INSIDE]... --root TREE --src CHECKOUT --cache DIR --user NAME
 *       [--at DIR] [--ids FIRST] CMD...
 *
 * Two processes stand around the command: the outer one (this pid, what the caller signals) and the
 * first process of a new PID namespace, which dies with the outer one and takes everything with it,
 * mounts included. Both only pass signals on and wait. As root it takes namespaces directly, as an
 * ordinary user through a user namespace that maps the user to 0 and the subordinate ids above. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BINDS_MAX = 8 };

struct plan {
	const char *root;		/* the tree of the tool root */
	const char *src;		/* the checkout */
	const char *at;			/* where the checkout appears inside */
	const char *cache;
	const char *user;		/* the caller's name, for its subordinate ids */
	const char *binds[BINDS_MAX];	/* HOST:INSIDE */
	int         bind_count;
	unsigned long ids; /* as root: the command's ids begin there, 0 = no namespace */
	int         offline;
	char      **command;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "enter: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(125);
}

/* ---- the new root ---- */

static void bind_at(const char *from, const char *root, const char *to, unsigned long flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, to);
	if (mount(from, path, NULL, MS_BIND | flags, NULL) < 0)
		die("bind %s at %s: %s", from, path, strerror(errno));
}

/* A folder with what is mounted below it, as it is now: taken before the root is put together,
 * which may lie inside that folder (the cache holds the tool root) and would show there once more.
 */
static int take_tree(const char *path)
{
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		die("take %s along: %s", path, strerror(errno));
	return fd;
}

static void put_tree(int fd, const char *root, const char *to)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, to);
	if (move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		die("put a folder at %s: %s", path, strerror(errno));
	close(fd);
}

static void mount_new(const char *type, const char *root, const char *to, const char *options)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, to);
	if (mount(type, path, type, MS_NOSUID, options) < 0)
		die("mount %s at %s: %s", type, path, strerror(errno));
}

/* A folder inside the new root, for a bind to a place that the tree does not have. The root itself
 * is read-only: only places below the tmpfs /mnt and /tmp can be made. */
static void make_place(const char *root, const char *to)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, to);
	for (char *p = path + strlen(root) + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			die("cannot make %s inside the tool root (only below /mnt or /tmp): %s", to,
			    strerror(errno));
		*p = was;
		if (was == '\0')
			return;
	}
}

static void set_read_only(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0)
		die("make %s read-only: %s (Linux 5.12 or later is needed)", path, strerror(errno));
}

static void bind_host_net_files(const char *root)
{
	static const char *const files[] = {
		"/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pip.conf",
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s%s", root, files[i]);
		if (access(files[i], R_OK) == 0 && access(path, F_OK) == 0)
			bind_at(files[i], root, files[i], 0);
	}
}

static void enter_root(const struct plan *plan)
{
	const char *root = plan->root;
	int src_fd, cache_fd;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("make the mounts private: %s", strerror(errno));
	src_fd = take_tree(plan->src);
	cache_fd = take_tree(plan->cache);
	bind_at(root, root, "", 0);
	set_read_only(root);
	mount_new("proc", root, "/proc", NULL);
	bind_at("/sys", root, "/sys", MS_REC);
	bind_at("/dev", root, "/dev", MS_REC);
	mount_new("tmpfs", root, "/dev/shm", "mode=1777");
	mount_new("tmpfs", root, "/tmp", "mode=1777");
	mount_new("tmpfs", root, "/var/tmp", "mode=1777");
	mount_new("tmpfs", root, "/run", "mode=755");
	mount_new("tmpfs", root, "/mnt", "mode=755");
	if (strcmp(plan->at, "/src") != 0)
		make_place(root, plan->at);
	put_tree(src_fd, root, plan->at);
	put_tree(cache_fd, root, "/cache");
	if (!plan->offline)
		bind_host_net_files(root);
	for (int i = 0; i < plan->bind_count; i++) {
		const char *colon = strchr(plan->binds[i], ':');
		char from[PATH_MAX];

		if (!colon || colon[1] != '/')
			die("--bind %s: wants HOST:INSIDE with an absolute INSIDE", plan->binds[i]);
		snprintf(from, sizeof(from), "%.*s", (int)(colon - plan->binds[i]), plan->binds[i]);
		make_place(root, colon + 1);
		bind_at(from, root, colon + 1, MS_REC);
	}
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir(plan->at) < 0)
		die("enter the tool root %s: %s", root, strerror(errno));
}

static void lo_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		die("bring lo up: %s", strerror(errno));
	close(fd);
}

/* ---- ids of an ordinary user ---- */

/* The first range of `name` or `uid` in /etc/subuid or /etc/subgid. */
static void sub_range(const char *file, const char *name, uid_t uid, unsigned long *first,
		      unsigned long *count)
{
	FILE *f = fopen(file, "re");
	char line[256], who[128], id[16];

	snprintf(id, sizeof(id), "%u", uid);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%127[^:]:%lu:%lu", who, first, count) == 3 &&
		    (strcmp(who, name) == 0 || strcmp(who, id) == 0)) {
			fclose(f);
			return;
		}
	die("%s has no range in %s: run 'sudo usermod --add-subuids 100000-165535 --add-subgids "
	    "100000-165535 %s', then again", name, file, name);
}

static void run_map(const char *tool, pid_t pid, unsigned int own, unsigned long first,
		    unsigned long count)
{
	char a[5][24];
	int status;
	pid_t child;

	snprintf(a[0], sizeof(a[0]), "%d", pid);
	snprintf(a[1], sizeof(a[1]), "%u", own);
	snprintf(a[2], sizeof(a[2]), "%lu", first);
	snprintf(a[3], sizeof(a[3]), "%lu", count);
	child = fork();
	if (child == 0) {
		execlp(tool, tool, a[0], "0", a[1], "1", "1", a[2], a[3], (char *)NULL);
		die("cannot run %s: %s: run 'sudo apt-get install uidmap', then again", tool,
		    strerror(errno));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		die("%s refused the id map of this user: see its message above", tool);
}

static void map_ids(pid_t pid, const char *user)
{
	unsigned long first, count;

	sub_range("/etc/subuid", user, getuid(), &first, &count);
	run_map("newuidmap", pid, getuid(), first, count);
	sub_range("/etc/subgid", user, getuid(), &first, &count);
	run_map("newgidmap", pid, getgid(), first, count);
}

static void write_map(const char *file, pid_t pid, unsigned long first)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "0 %lu 65536\n", first) < 0)
		die("write %s: %s", path, strerror(errno));
	close(fd);
}

/* As root: a user namespace whose root is `first` outside. Its maps are written from outside it. */
static void take_ids(unsigned long first)
{
	int asked[2], status;
	pid_t mapper, self = getpid();
	char c;

	if (pipe2(asked, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	mapper = fork();
	if (mapper < 0)
		die("fork: %s", strerror(errno));
	if (mapper == 0) {
		close(asked[1]);
		if (read(asked[0], &c, 1) != 1)
			_exit(1);
		write_map("uid_map", self, first);
		write_map("gid_map", self, first);
		_exit(0);
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		die("a user namespace: %s", strerror(errno));
	if (write(asked[1], "x", 1) != 1 || waitpid(mapper, &status, 0) < 0 || status != 0)
		_exit(125);
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		die("become root in the user namespace: %s", strerror(errno));
}

/* ---- signals and the end ---- */

/* All that a caller may mean for the command; stop signals keep their default. */
static void block_signals(sigset_t *old)
{
	static const int none[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGABRT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		sigdelset(&set, none[i]);
	sigprocmask(SIG_SETMASK, &set, old);
}

/* Waits for `child`, reaping what else ends, and passes signals on. What the terminal sends goes to
 * the whole foreground group anyhow, so only signals that a process sent are passed. */
static int wait_passing(pid_t child)
{
	sigset_t set;
	siginfo_t info;
	int status;
	pid_t pid;

	sigprocmask(SIG_SETMASK, NULL, &set);
	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == child)
				return status;
		if (sigwaitinfo(&set, &info) > 0 && info.si_signo != SIGCHLD &&
		    info.si_code != SI_KERNEL)
			kill(child, info.si_signo);
	}
}

static void __attribute__((noreturn)) end_as(int status)
{
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;

	if (WIFSIGNALED(status)) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* ---- the processes ---- */

static void __attribute__((noreturn)) first_process(const struct plan *plan, int alive_fd,
						    int status_fd, const sigset_t *old)
{
	pid_t child;
	int status;
	char c;

	/* From here on the parent's death kills this process, and with it the namespace; the byte
	 * shows that the parent still lived when that took hold. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(alive_fd, &c, 1) != 1)
		_exit(125);
	if (plan->offline)
		lo_up();
	enter_root(plan);
	child = fork();
	if (child == 0) {
		if (plan->ids)
			take_ids(plan->ids);
		sigprocmask(SIG_SETMASK, old, NULL);
		execvp(plan->command[0], plan->command);
		fprintf(stderr, "enter: cannot run %s: %s\n", plan->command[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	if (child < 0)
		die("fork: %s", strerror(errno));
	status = wait_passing(child);
	if (write(status_fd, &status, sizeof(status)) != sizeof(status))
		_exit(125);
	_exit(0);
}

/* An ordinary user: a child that has made the user namespace waits for its ids, then goes on. */
static void take_user_namespace(const char *user)
{
	int asked[2], done[2], status;
	pid_t mapper, self = getpid();
	char c;

	if (pipe2(asked, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	mapper = fork(); /* stays outside: newuidmap must be called from the parent namespace */
	if (mapper < 0)
		die("fork: %s", strerror(errno));
	if (mapper == 0) {
		close(asked[1]);
		if (read(asked[0], &c, 1) != 1)
			_exit(1);
		map_ids(self, user);
		_exit(0);
	}
	if (unshare(CLONE_NEWUSER) < 0)
		die("this host allows no user namespaces (%s): run as root, or allow them with "
		    "sysctl kernel.unprivileged_userns_clone=1",
		    strerror(errno));
	if (write(asked[1], "x", 1) != 1 || waitpid(mapper, &status, 0) < 0 || status != 0)
		_exit(125);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		die("become root in the user namespace: %s", strerror(errno));
}

static int run(const struct plan *plan)
{
	int alive[2], result[2], status, inner;
	sigset_t old;
	pid_t first;

	if (geteuid() != 0)
		take_user_namespace(plan->user);
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
		    (plan->offline ? CLONE_NEWNET : 0)) < 0)
		die("new namespaces: %s (inside a container? it needs CAP_SYS_ADMIN)",
		    strerror(errno));
	if (sethostname("cuvette", 7) < 0)
		die("sethostname: %s", strerror(errno));
	if (pipe2(alive, O_CLOEXEC) < 0 || pipe2(result, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	block_signals(&old);
	first = fork();
	if (first < 0)
		die("fork: %s", strerror(errno));
	if (first == 0) {
		close(alive[1]);
		close(result[0]);
		first_process(plan, alive[0], result[1], &old);
	}
	close(alive[0]);
	close(result[1]);
	if (write(alive[1], "x", 1) != 1)
		die("the first process has died");
	status = wait_passing(first);
	if (read(result[0], &inner, sizeof(inner)) == sizeof(inner))
		status = inner;
	end_as(status);
}

int main(int argc, char **argv)
{
	struct plan plan = { .at = "/src" };
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--offline") == 0) {
			plan.offline = 1;
			continue;
		}
		if (strcmp(argv[i], "--root") == 0)
			plan.root = value;
		else if (strcmp(argv[i], "--src") == 0)
			plan.src = value;
		else if (strcmp(argv[i], "--at") == 0)
			plan.at = value;
		else if (strcmp(argv[i], "--cache") == 0)
			plan.cache = value;
		else if (strcmp(argv[i], "--ids") == 0)
			plan.ids = strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--user") == 0)
			plan.user = value;
		else if (strcmp(argv[i], "--bind") == 0 && plan.bind_count < BINDS_MAX)
			plan.binds[plan.bind_count++] = value;
		else
			die("unknown option %s", argv[i]);
		i++;
	}
	if (i >= argc || !plan.root || !plan.src || !plan.cache || !plan.user)
		die("usage: tools/enter [--offline|--net] [--set build|test] [--bind HOST:INSIDE] "
		    "CMD...");
	plan.command = argv + i;
	return run(&plan);
}
