/* ns.c - see ns.h */
#include "box/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "oci/cpu_list.h"
#include "oci/spec.h"
#include "oci/spec_names.h"

/* linux/sched.h; musl's sched.h does not have it. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

uint64_t ns_flag(enum oci_namespace ns)
{
	static const uint64_t flags[] = {
		[OCI_NS_USER] = CLONE_NEWUSER, [OCI_NS_PID] = CLONE_NEWPID,
		[OCI_NS_MOUNT] = CLONE_NEWNS,  [OCI_NS_UTS] = CLONE_NEWUTS,
		[OCI_NS_IPC] = CLONE_NEWIPC,   [OCI_NS_CGROUP] = CLONE_NEWCGROUP,
		[OCI_NS_NETWORK] = CLONE_NEWNET, [OCI_NS_TIME] = CLONE_NEWTIME,
	};
	_Static_assert(ARRAY_SIZE(flags) == OCI_NAMESPACES, "one per namespace");

	return flags[ns];
}

pid_t ns_clone(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		/* clone3 of a sibling takes the signal from its maker. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		return err_sys(e, "make the container's namespaces");
	return pid;
}

/* Between the system call and the child's first call nothing may return: the child pushes over what
 * the caller of this goes back through. */
static long __attribute__((noinline)) clone_beside(const struct clone_args *args,
						   void (*child)(void *ctx), void *ctx)
{
	long got;

	__asm__ volatile("syscall"
			 : "=a"(got)
			 : "a"((long)SYS_clone3), "D"(args), "S"(sizeof(*args))
			 : "rcx", "r11", "memory");
	if (got == 0)
		child(ctx);
	return got;
}

int ns_clone_beside(uint64_t flags, int cgroup_fd, pid_t *pid, int *pidfd, void (*child)(void *ctx),
		    void *ctx, struct err *e)
{
	const struct clone_args args = {
		.flags = flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_PARENT_SETTID |
			 (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.parent_tid = (uint64_t)(uintptr_t)pid,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	long got = clone_beside(&args, child, ctx);

	if (got >= 0)
		return 0;
	errno = (int)-got;
	return err_sys(e, "make the container's namespaces");
}

/* Below /proc/PID/ns: namespaces(7). */
static const char *file_name(enum oci_namespace ns)
{
	return ns == OCI_NS_MOUNT ? "mnt" : ns == OCI_NS_NETWORK ? "net" : oci_namespace_name(ns);
}

static int open_join(enum oci_namespace ns, const struct oci_spec *spec, struct err *e)
{
	const char *path = spec->namespace_paths[ns], *name = oci_namespace_name(ns);
	AUTO_FD int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	int type;

	if (fd < 0)
		return err_sys(e, ".linux.namespaces[%u].path: open %s namespace %s",
			       spec->namespace_items[ns], name, path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type >= 0 && (uint64_t)type == ns_flag(ns))
		return take_fd(&fd);
	return err_set(e,
		       ".linux.namespaces[%u].path: %s is not a %s namespace: give the path of "
		       "one, like /proc/PID/ns/%s",
		       spec->namespace_items[ns], path, name, file_name(ns));
}

/* By path one may well join the machine's own namespace; its parameters are not the container's. */
static int check_foreign(enum oci_namespace ns, int fd, struct err *e)
{
	static const char *const files[OCI_NAMESPACES] = {
		[OCI_NS_USER] = "/proc/self/ns/user",
		[OCI_NS_UTS] = "/proc/self/ns/uts",
		[OCI_NS_IPC] = "/proc/self/ns/ipc",
		[OCI_NS_NETWORK] = "/proc/self/ns/net",
	};
	struct stat own, joined;

	if (!files[ns])
		return 0;
	if (fstatat(AT_FDCWD, files[ns], &own, 0) < 0 || fstat(fd, &joined) < 0)
		return err_sys(e, "stat %s", files[ns]);
	if (own.st_dev == joined.st_dev && own.st_ino == joined.st_ino)
		return err_set(e, ".linux.sysctl: the %s namespace that is joined is the machine's",
			       oci_namespace_name(ns));
	return 0;
}

int ns_join_open(struct ns_join *join, const struct oci_spec *spec, unsigned changed,
		 struct err *e)
{
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		join->fds[i] = -1;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++) {
		if (!spec->namespace_paths[i])
			continue;
		join->fds[i] = open_join(i, spec, e);
		if (join->fds[i] < 0 ||
		    (changed & 1u << i && check_foreign(i, join->fds[i], e))) {
			ns_join_close(join);
			return -1;
		}
	}
	return 0;
}

void ns_join_close(struct ns_join *join)
{
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		fd_close(&join->fds[i]);
}

/* time_namespaces(7): before the first process enters it. */
static int set_clocks(const struct oci_spec *spec, struct err *e)
{
	const struct oci_time_offset *m = &spec->time_monotonic, *b = &spec->time_boottime;
	char text[128];

	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(e, "make a time namespace");
	snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n", (long long)m->seconds,
		 m->nanoseconds, (long long)b->seconds, b->nanoseconds);
	if (fs_write_control_at(AT_FDCWD, "/proc/self/timens_offsets", text, e))
		return err_add(e, ".linux.timeOffsets");
	return 0;
}

static bool moves_first(const struct ns_join *join)
{
	return join->fds[OCI_NS_CGROUP] >= 0 || join->fds[OCI_NS_USER] >= 0;
}

/* With the machine's rights, which reach every namespace, so the user namespace comes last: what is
 * made after it belongs to it. */
static int join_all(const struct ns_join *join, int cgroup_fd, struct err *e)
{
	static const enum oci_namespace order[] = { OCI_NS_PID,	    OCI_NS_IPC,	   OCI_NS_UTS,
						    OCI_NS_NETWORK, OCI_NS_CGROUP, OCI_NS_TIME,
						    OCI_NS_MOUNT,   OCI_NS_USER };
	_Static_assert(ARRAY_SIZE(order) == OCI_NAMESPACES, "all of them");

	/* Where a cgroup namespace is a border of delegation nobody crosses it afterwards, and in a
	 * user namespace nobody has rights to the cgroups between. */
	if (moves_first(join) && cgroup_fd >= 0 &&
	    fs_write_control_at(cgroup_fd, "cgroup.procs", "0", e))
		return -1;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (join->fds[order[i]] >= 0 &&
		    setns(join->fds[order[i]], (int)ns_flag(order[i])) < 0)
			return err_sys(e, ".linux.namespaces: join the %s namespace",
				       oci_namespace_name(order[i]));
	return 0;
}

struct start {
	const struct oci_spec *spec;
	const struct ns_join *join;
	int target_pidfd;		/* instead of spec and join */
	const struct cpu_list *cpus;
	uint64_t flags;
	int cgroup_fd;
};

static bool has_offsets(const struct oci_spec *spec)
{
	return spec->time_monotonic.given || spec->time_boottime.given;
}

static int prepare(struct start *s, struct err *e)
{
	if (!s->spec) {
		if (s->cpus &&
		    sched_setaffinity(0, sizeof(s->cpus->bits), (const void *)s->cpus->bits) < 0)
			return err_sys(e, ".process.execCPUAffinity.initial");
		if (setns(s->target_pidfd, (int)s->flags) < 0)
			return err_sys(e, "join the container's namespaces");
		s->flags = 0;
		return 0;
	}
	if (s->flags & CLONE_NEWTIME && has_offsets(s->spec)) {
		s->flags &= ~(uint64_t)CLONE_NEWTIME;
		if (set_clocks(s->spec, e))
			return -1;
	}
	if (join_all(s->join, s->cgroup_fd, e))
		return -1;
	if (moves_first(s->join))
		s->cgroup_fd = -1;
	return 0;
}

struct made {
	pid_t pid;
	struct err e;
};

static pid_t join_and_clone(struct start *s, volatile struct made *made)
{
	struct err *e = (struct err *)&made->e;
	pid_t pid = -1;
	int unused_fd;

	if (prepare(s, e) == 0)
		pid = ns_clone(s->flags | CLONE_PARENT, s->cgroup_fd, &unused_fd, e);
	/* The child may share this with us, and its 0 is no answer. */
	if (pid != 0)
		made->pid = pid;
	return pid;
}

/* The joining process runs on the caller's memory and stack while the caller waits. Its child has a
 * copy of both and returns from here. */
static pid_t start_beside(struct start *s, struct made *made)
{
	pid_t joiner = vfork();

	if (joiner < 0)
		return err_sys(&made->e, "fork");
	if (joiner == 0) {
		if (join_and_clone(s, made) == 0)
			return 0;
		_exit(0);
	}
	while (waitpid(joiner, NULL, 0) < 0 && errno == EINTR)
		;
	return made->pid;
}

/* A time namespace is joined only by a process that shares its memory with nobody. */
static pid_t start_apart(struct start *s, struct made *made)
{
	struct made *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t joiner;

	if (shared == MAP_FAILED)
		return err_sys(&made->e, "fork");
	*shared = *made;
	joiner = fork();
	if (joiner < 0)
		return err_sys(&made->e, "fork");
	if (joiner == 0) {
		if (join_and_clone(s, shared) == 0)
			return 0;
		_exit(0);
	}
	while (waitpid(joiner, NULL, 0) < 0 && errno == EINTR)
		;
	*made = *shared;
	munmap(shared, sizeof(*shared));
	return made->pid;
}

static pid_t start(struct start *s, bool apart, int *pidfd, struct err *e)
{
	struct made made = { .pid = -1 };
	pid_t pid;

	err_set(&made.e, "the process that joins the namespaces was killed");
	pid = apart ? start_apart(s, &made) : start_beside(s, &made);
	if (pid < 0)
		*e = made.e;
	if (pid <= 0)
		return pid;
	/* Its pid is as the joining process saw it, which never left our pid namespace. */
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd >= 0)
		return pid;
	err_sys(e, "pidfd_open");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

pid_t ns_start(const struct oci_spec *spec, const struct ns_join *join, uint64_t flags,
	       int cgroup_fd, int *pidfd, struct err *e)
{
	struct start s = { spec, join, -1, NULL, flags, cgroup_fd };
	bool joins = flags & CLONE_NEWTIME && has_offsets(spec);

	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		joins |= join->fds[i] >= 0;
	return joins ? start(&s, join->fds[OCI_NS_TIME] >= 0, pidfd, e)
		     : ns_clone(flags, cgroup_fd, pidfd, e);
}

pid_t ns_enter(int target_pidfd, uint64_t flags, int cgroup_fd, const struct cpu_list *cpus,
	       int *pidfd, struct err *e)
{
	struct start s = { NULL, NULL, target_pidfd, cpus, flags, cgroup_fd };

	return start(&s, flags & CLONE_NEWTIME, pidfd, e);
}

int ns_open(int proc_fd, pid_t pid, const char *name, struct err *e)
{
	char path[48];

	if (pid)
		snprintf(path, sizeof(path), "%d/ns/%s", (int)pid, name);
	else
		snprintf(path, sizeof(path), "self/ns/%s", name);
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open the %s namespace", name) : fd;
}
