/* cgroup_driver - box/cgroup.h and its neighbours on a real cgroup v2, for tests/vm/cgroup.sh.
 *
 *   create PATH RESOURCES | apply PATH RESOURCES     RESOURCES: the JSON object of config.json
 *   run PATH RESOURCES WORK [ARGUMENT]               in a new cgroup; says how WORK ended
 *   enter PATH WORK [ARGUMENT]                       in one that is there
 *   inside WORK [ARGUMENT]                           here, as a container's program
 *   filter PATH RESOURCES                            attaches the device rules; says whether it
 * could freeze PATH | thaw PATH | state PATH | procs PATH | stats PATH | place PID kill PATH |
 * signal PATH NUMBER | remove PATH MILLISECONDS | nest PATH LEVELS | give PATH UID WORK: eat MIB |
 * spin MS | forks COUNT | bomb | sleep | read BYTES-OF-/dev/vdb | cpus | escape [as-user] */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/cgroup_path.h"
#include "box/cgroup_stats.h"
#include "box/cgroup_values.h"
#include "box/device_filter.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/time.h"
#include "oci/spec.h"

enum { WAIT_MS = 20000, OUTSIDE_ID = 100000 };

static struct arena *arena;
static int mount_fd;

static void fail(const struct err *e)
{
	printf("error: %s\n", e->text);
	exit(1);
}

static const char *error_name(long result)
{
	if (result >= 0)
		return "done";
	switch (errno) {
	case EPERM: return "EPERM";
	case EACCES: return "EACCES";
	case ENOENT: return "ENOENT";
	case EAGAIN: return "EAGAIN";
	case EBUSY: return "EBUSY";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	default: return strerror(errno);
	}
}

static struct cgroup_values *values(const char *text)
{
	struct cgroup_values *v = arena_alloc(arena, sizeof(*v));
	struct err e;
	struct oci_resources *r = oci_resources_parse(arena, "resources", text, strlen(text), &e);

	if (!r || cgroup_values_make(v, arena, r, &e))
		fail(&e);
	return v;
}

static int open_cgroup(const char *path)
{
	struct err e;
	int fd = cgroup_open(mount_fd, path, &e);

	if (fd < 0)
		fail(&e);
	return fd;
}

/* ---- what runs inside */

static int eat(long mib)
{
	for (long i = 0; i < mib; i++)
		memset(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0),
		       1, 1 << 20);
	return 0;
}

static int spin(long ms)
{
	uint64_t end_ms = time_boot_ms() + (uint64_t)ms;

	while (time_boot_ms() < end_ms)
		;
	return 0;
}

static int forks(long count)
{
	long made = 0;

	setpgid(0, 0);
	for (; made < count; made++) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	printf("made %ld, then %s\n", made, made < count ? error_name(-1) : "no more wanted");
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	return 0;
}

/* Its children go on when it ends. */
static int __attribute__((noreturn)) bomb(void)
{
	setsid();
	for (;;)
		fork();
}

static int read_disk(long bytes)
{
	int fd = open("/dev/vdb", O_RDONLY | O_DIRECT | O_CLOEXEC);
	uint64_t start_ms = time_boot_ms();
	void *block = aligned_alloc(4096, 65536);

	for (long done = 0; fd >= 0 && done < bytes; done += 65536)
		if (read(fd, block, 65536) != 65536)
			return 1;
	printf("read in %llu ms\n", (unsigned long long)(time_boot_ms() - start_ms));
	return fd < 0;
}

static int show_cpus(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			printf("cpu %d\n", i);
	return 0;
}

static int try_open(const char *path)
{
	static const struct {
		const char *name;
		int flags;
	} ways[] = { { "read", O_RDONLY }, { "write", O_WRONLY }, { "both", O_RDWR } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd = open(path, ways[i].flags | O_NONBLOCK | O_CLOEXEC);

		printf("%s %s\n", ways[i].name, error_name(fd));
	}
	return 0;
}

static int try_mknod(long major)
{
	printf("mknod %s\n", error_name(mknod("node", S_IFBLK | 0600, makedev(major, 0))));
	unlink("node");
	return 0;
}

static long put(const char *path, const char *text)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : write(fd, text, strlen(text));
}

/* A container's root with its cgroup given to it: what it may do below, and that it can do nothing
 * above (SECURITY A18). */
static int escape(bool as_user)
{
	static const struct {
		const char *name, *path, *text;
	} writes[] = {
		{ "own memory.max", "memory.max", "max" },
		{ "own pids.max", "pids.max", "max" },
		{ "own cpu.max", "cpu.max", "max" },
		{ "own cgroup.freeze", "cgroup.freeze", "0" },
		{ "own cgroup.kill", "cgroup.kill", "1" },
		{ "above: memory.max", "/old/escape/memory.max", "max" },
		{ "above: cgroup.procs", "/old/escape/cgroup.procs", "0" },
		{ "above: subtree_control", "/old/escape/cgroup.subtree_control", "-memory" },
		{ "beside: cgroup.procs", "/old/escape/other/cgroup.procs", "0" },
		{ "beside: cgroup.kill", "/old/escape/other/cgroup.kill", "1" },
		{ "release_agent", "/old/release_agent", "/x" },
		{ "notify_on_release", "notify_on_release", "1" },
		{ "below: cgroup.procs", "below/cgroup.procs", "0" },
		{ "below: give on", "cgroup.subtree_control", "+memory +pids" },
		{ "below: memory.max", "below/memory.max", "1048576" },
	};

	/* A user gets namespaces of its own, with the appliance's mount still in sight at /old: the
	 * worst a container could have. Root is held by the cgroup namespace alone. */
	if (!as_user && unshare(CLONE_NEWNS | CLONE_NEWCGROUP) < 0)
		return printf("namespaces: %m\n"), 1;
	if (as_user && (setresgid(OUTSIDE_ID, OUTSIDE_ID, OUTSIDE_ID) < 0 ||
			setresuid(OUTSIDE_ID, OUTSIDE_ID, OUTSIDE_ID) < 0 ||
			unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) < 0 ||
			prctl(PR_SET_DUMPABLE, 1) < 0 || put("/proc/self/setgroups", "deny") < 0 ||
			put("/proc/self/uid_map", "0 100000 1") < 0 ||
			put("/proc/self/gid_map", "0 100000 1") < 0))
		return printf("namespaces: %m\n"), 1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("world", "/tmp", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/old", 0755) < 0 ||
	    mkdir("/tmp/own", 0755) < 0 || mkdir("/tmp/proc", 0755) < 0 ||
	    (as_user && mount("/sys/fs/cgroup", "/tmp/old", NULL, MS_BIND | MS_REC, NULL) < 0) ||
	    mount("cgroup", "/tmp/own", "cgroup2", 0, NULL) < 0 || chroot("/tmp") < 0 ||
	    chdir("/own") < 0)
		return printf("mounts: %m\n"), 1;
	printf("mkdir below: %s\n", error_name(mkdir("below", 0755)));
	printf("mkdir above: %s\n", error_name(mkdir("/old/escape/more", 0755)));
	printf("mkdir beside: %s\n", error_name(mkdir("/old/escape/other/more", 0755)));
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		printf("%s: %s\n", writes[i].name, error_name(put(writes[i].path, writes[i].text)));
	printf("rmdir beside: %s\n", error_name(rmdir("/old/escape/other")));
	return 0;
}

/* In a container that has its cgroup given to it, mounted by box. In the end its first process has
 * moved down, and none may live in the cgroup itself. */
static int own(void)
{
	if (chdir("/sys/fs/cgroup") < 0)
		return printf("/sys/fs/cgroup: %m\n"), 1;
	printf("memory.max: %s\n", error_name(put("memory.max", "max")));
	printf("pids.max: %s\n", error_name(put("pids.max", "max")));
	printf("above: %s\n", error_name(put("../cgroup.procs", "0")));
	printf("mkdir: %s\n", error_name(mkdir("init", 0755)));
	printf("move down: %s, %s\n", error_name(put("init/cgroup.procs", "1")),
	       error_name(put("init/cgroup.procs", "0")));
	printf("give on: %s\n", error_name(put("cgroup.subtree_control", "+memory")));
	return 0;
}

static int work(char **words)
{
	long number = words[1] ? atol(words[1]) : 0;

	if (!strcmp(words[0], "eat"))
		return eat(number);
	if (!strcmp(words[0], "spin"))
		return spin(number);
	if (!strcmp(words[0], "forks"))
		return forks(number);
	if (!strcmp(words[0], "bomb"))
		return bomb();
	if (!strcmp(words[0], "read"))
		return read_disk(number);
	if (!strcmp(words[0], "cpus"))
		return show_cpus();
	if (!strcmp(words[0], "own"))
		return own();
	if (!strcmp(words[0], "open"))
		return try_open(words[1]);
	if (!strcmp(words[0], "mknod"))
		return try_mknod(number);
	if (!strcmp(words[0], "escape"))
		return escape(words[1] != NULL);
	for (;;)
		pause();
}

/* Waits for the end, except of those that have none. */
static int start(int cgroup_fd, char **words)
{
	bool endless = !strcmp(words[0], "bomb") || !strcmp(words[0], "sleep") ||
		       (!strcmp(words[0], "spin") && !words[1]);
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)cgroup_fd,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	char *forever[] = { words[0], NULL };
	int status;

	if (pid < 0)
		return printf("clone3: %s\n", error_name(pid)), 1;
	if (pid == 0) {
		int code = work(endless && !words[1] ? forever : words);

		fflush(stdout);
		_exit(code);
	}
	if (endless)
		return printf("pid %d\n", (int)pid), 0;
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("killed by signal %d\n", WTERMSIG(status));
	return WIFSIGNALED(status) ? 0 : WEXITSTATUS(status);
}

/* ---- what is asked from outside */

static int show_stats(const char *path)
{
	struct cgroup_stats s;
	struct json_writer w;
	struct buf out;
	struct err e;

	if (cgroup_stats_read(&s, open_cgroup(path), arena, &e))
		fail(&e);
	buf_init(&out, 1 << 20);
	json_writer_init(&w, &out);
	cgroup_stats_event(&s, "web", &w);
	return puts(out.data), 0;
}

static int filter(const char *path, const char *text)
{
	struct device_filter f;
	struct err e;
	struct oci_resources *r = oci_resources_parse(arena, "resources", text, strlen(text), &e);
	int answer;

	if (!r || device_filter_make(&f, arena, r->devices, r->device_count, &e))
		fail(&e);
	answer = device_filter_attach(&f, open_cgroup(path), false, &e);
	if (answer < 0)
		fail(&e);
	return puts(answer ? "attached" : "no BPF here"), 0;
}

static int show_procs(const char *path)
{
	struct cgroup_pids pids;
	struct err e;

	if (cgroup_procs(open_cgroup(path), &pids, &e))
		fail(&e);
	return printf("%zu processes\n", pids.count), 0;
}

static int nest(const char *path, long levels)
{
	int fd = open_cgroup(path);

	for (long i = 0; i < levels; i++) {
		mkdirat(fd, "deeper", 0755);
		mkdirat(fd, "beside", 0755);
		int next_fd = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (next_fd < 0)
			return printf("level %ld: %m\n", i), 1;
		close(fd);
		fd = next_fd;
	}
	return 0;
}

static int change(char **words, struct err *e)
{
	const char *verb = words[0], *path = words[1];
	bool is_new;

	if (!strcmp(verb, "create"))
		return cgroup_create(mount_fd, path, values(words[2]), &is_new, e) < 0;
	if (!strcmp(verb, "apply"))
		return cgroup_apply(open_cgroup(path), values(words[2]), e);
	if (!strcmp(verb, "freeze"))
		return cgroup_freeze(open_cgroup(path), true, WAIT_MS, e);
	if (!strcmp(verb, "thaw"))
		return cgroup_freeze(open_cgroup(path), false, 1000, e);
	if (!strcmp(verb, "kill"))
		return cgroup_kill(mount_fd, path, e);
	if (!strcmp(verb, "signal"))
		return cgroup_signal(open_cgroup(path), atoi(words[2]), e);
	if (!strcmp(verb, "remove"))
		return cgroup_remove(mount_fd, path, (unsigned)atoi(words[2]), e);
	if (!strcmp(verb, "give"))
		return cgroup_give(open_cgroup(path), (uid_t)atoi(words[2]), e);
	return err_set(e, "no verb %s", verb);
}

int main(int count, char **words)
{
	struct cgroup_state state;
	struct err e;
	bool is_new;
	int fd;

	if (count >= 3 && !strcmp(words[1], "inside")) {
		fd = work(words + 2);
		fflush(stdout);
		return fd;
	}
	arena = arena_create(4 << 20);
	mount_fd = cgroup_open_mount(&e);
	if (mount_fd < 0)
		fail(&e);
	if (count < 3)
		return 2;
	if (!strcmp(words[1], "run")) {
		fd = cgroup_create(mount_fd, words[2], values(words[3]), &is_new, &e);
		if (fd < 0)
			fail(&e);
		return start(fd, words + 4);
	}
	if (!strcmp(words[1], "enter"))
		return start(open_cgroup(words[2]), words + 3);
	if (!strcmp(words[1], "filter"))
		return filter(words[2], words[3]);
	if (!strcmp(words[1], "stats"))
		return show_stats(words[2]);
	if (!strcmp(words[1], "procs"))
		return show_procs(words[2]);
	if (!strcmp(words[1], "nest"))
		return nest(words[2], atol(words[3]));
	if (!strcmp(words[1], "place")) {
		fd = cgroup_open_process(mount_fd, (pid_t)atoi(words[2]), &e);
		if (fd < 0)
			fail(&e);
		return puts("found"), close(fd);
	}
	if (!strcmp(words[1], "state")) {
		if (cgroup_state_read(open_cgroup(words[2]), &state, &e))
			fail(&e);
		return printf("populated %d frozen %d\n", state.populated, state.frozen), 0;
	}
	if (change(words + 1, &e))
		fail(&e);
	return puts("done"), 0;
}
