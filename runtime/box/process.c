/* process.c - see process.h */
#include "box/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/sched/types.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/caps.h"
#include "box/seccomp.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "oci/cpu_list.h"
#include "oci/spec.h"
#include "oci/spec_names.h"

static int set_scheduler(pid_t pid, const struct oci_scheduler *s, struct err *e)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = (uint32_t)s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = s->priority,
		.sched_runtime = s->runtime_ns,
		.sched_deadline = s->deadline_ns,
		.sched_period = s->period_ns,
	};

	if (syscall(SYS_sched_setattr, pid, &attr, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP)
		return err_set(e,
			       ".process.scheduler.flags: this kernel has no SCHED_FLAG_UTIL_CLAMP "
			       "(CONFIG_UCLAMP_TASK): leave it out");
	if (errno == EBUSY)
		return err_set(e,
			       ".process.scheduler: the processors have no room for that runtime "
			       "in that period (SCHED_DEADLINE): ask for less of it");
	if (errno == EINVAL)
		return err_set(e, ".process.scheduler: the kernel takes no such values for this "
				  "policy, or was built without it (sched_setattr(2)): change or "
				  "leave them out");
	return err_sys(e, ".process.scheduler: set the policy");
}

static int set_io_priority(pid_t pid, const struct oci_io_priority *io, struct err *e)
{
	int value = IOPRIO_PRIO_VALUE(io->class, io->level);

	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) < 0)
		return err_sys(e, ".process.ioPriority: set class %d, level %d", io->class,
			       io->level);
	return 0;
}

static int set_oom_score(pid_t pid, int score, struct err *e)
{
	char name[48], text[16];

	if (pid)
		snprintf(name, sizeof(name), "/proc/%d/oom_score_adj", (int)pid);
	else
		snprintf(name, sizeof(name), "/proc/self/oom_score_adj");
	snprintf(text, sizeof(text), "%d", score);
	return fs_write_control_at(AT_FDCWD, name, text, e) ? err_add(e, ".process.oomScoreAdj")
							    : 0;
}

/* Those that could stop us on the way to exec: a container may have more mounts than its program
 * may have files. */
static bool is_for_the_end(int resource)
{
	return resource == RLIMIT_NOFILE || resource == RLIMIT_FSIZE || resource == RLIMIT_AS ||
	       resource == RLIMIT_DATA || resource == RLIMIT_STACK || resource == RLIMIT_NPROC;
}

/* Lowering a limit needs no right, raising it needs the machine's. */
static int make_room(pid_t pid, __typeof__(RLIMIT_CPU) resource, const struct rlimit *wanted)
{
	struct rlimit room;

	if (prlimit(pid, resource, NULL, &room) < 0)
		return -1;
	if (wanted->rlim_cur <= room.rlim_cur && wanted->rlim_max <= room.rlim_max)
		return 0;
	if (wanted->rlim_cur > room.rlim_cur)
		room.rlim_cur = wanted->rlim_cur;
	if (wanted->rlim_max > room.rlim_max)
		room.rlim_max = wanted->rlim_max;
	return prlimit(pid, resource, &room, NULL);
}

static int set_limits(pid_t pid, const struct oci_process *p, bool at_the_end, struct err *e)
{
	for (size_t i = 0; i < p->rlimit_count; i++) {
		const struct rlimit limit = { .rlim_cur = p->rlimits[i].soft,
					      .rlim_max = p->rlimits[i].hard };
		__typeof__(RLIMIT_CPU) resource = (__typeof__(RLIMIT_CPU))p->rlimits[i].resource;
		bool late = is_for_the_end(p->rlimits[i].resource);
		int got = 0;

		if (late && !at_the_end)
			got = make_room(pid, resource, &limit);
		else if (late == at_the_end)
			got = prlimit(pid, resource, &limit, NULL);
		if (got < 0)
			return err_sys(e, ".process.rlimits[%zu]: set resource limit %d", i,
				       p->rlimits[i].resource);
	}
	return 0;
}

int process_limit(pid_t pid, const struct oci_process *p, struct err *e)
{
	if (set_limits(pid, p, false, e))
		return -1;
	if (p->has_oom_score_adj && set_oom_score(pid, p->oom_score_adj, e))
		return -1;
	if (p->scheduler && set_scheduler(pid, p->scheduler, e))
		return -1;
	return p->io_priority ? set_io_priority(pid, p->io_priority, e) : 0;
}

/* The plain system calls: libc's wrappers stop every thread first, and we have one. */
static int set_gid(uint32_t gid)
{
	return (int)syscall(SYS_setresgid, gid, gid, gid);
}

static int set_uid(uint32_t uid)
{
	return (int)syscall(SYS_setresuid, uid, uid, uid);
}

/* A user namespace may forbid setgroups(2) for good (user_namespaces(7)); then it has to be
 * needless. What nobody can drop is kept, as crun and runc do: inside those groups are all
 * nobody's. */
static int set_groups(const uint32_t *groups, size_t count, struct err *e)
{
	if (syscall(SYS_setgroups, count, groups) == 0)
		return 0;
	if (errno == EPERM && count == 0) {
		if (getgroups(0, NULL) == 0)
			return 0;
		if (caps_permitted() & 1ull << CAP_SETGID) {
			log_info("the caller's supplementary groups stay: this user namespace "
				 "forbids to change them");
			return 0;
		}
		errno = EPERM;
	}
	return err_sys(e, ".process.user.additionalGids: set %zu groups", count);
}

int process_begin(bool own_user_ns, bool keep_keyring, struct err *e)
{
	sigset_t none;

	/* Monitors and script hosts start us with SIGPIPE ignored or signals blocked; exec would
	 * hand that on. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Files that we make from here on belong to the container's root. */
	if (own_user_ns && (set_gid(0) < 0 || set_uid(0) < 0))
		return err_sys(e, "become the container's root: is id 0 in its id mappings?");
	/* A kernel without keys has nothing to share. Without a name: a named one is joined, not
	 * made, when any user has it already and lets others search (keyctl(2)). */
	if (!keep_keyring)
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	setsid();
	return 0;
}

static int set_memory_policy(const struct oci_memory_policy *m, struct err *e)
{
	struct cpu_list nodes = { 0 };

	if (m->nodes && cpu_list_parse(m->nodes, &nodes, e))
		return err_add(e, ".linux.memoryPolicy.nodes");
	/* The count is one more than the bits, see set_mempolicy(2). */
	if (syscall(SYS_set_mempolicy, m->mode | (int)m->flags, m->nodes ? nodes.bits : NULL,
		    m->nodes ? nodes.end + 1ul : 0ul) < 0)
		return err_sys(e, ".linux.memoryPolicy: set mode %d", m->mode);
	return 0;
}

int process_inherit(const struct oci_spec *spec, struct err *e)
{
	if (spec->has_personality && personality(spec->personality) < 0)
		return err_sys(e, ".linux.personality: set %#lx", spec->personality);
	return spec->memory_policy ? set_memory_policy(spec->memory_policy, e) : 0;
}

static int set_ids(const struct oci_user *user, struct err *e)
{
	/* Permitted capabilities stay over setresuid: two more steps need them. exec drops what is
	 * left. */
	if (user->uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities");
	if (set_groups(user->groups, user->group_count, e))
		return -1;
	if (set_gid(user->gid) < 0 || set_uid(user->uid) < 0)
		return err_sys(e, ".process.user: become %u:%u", user->uid, user->gid);
	return 0;
}

int process_become(const struct oci_process *p, bool tied, struct err *e)
{
	if (caps_bound(p->caps.bounding, e) || set_ids(&p->user, e))
		return -1;
	umask(p->user.umask >= 0 ? (mode_t)p->user.umask : PROCESS_UMASK);
	if (p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	/* Cleared by a change of ids, so it is set after. */
	if (tied && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie the container to its monitor");
	return 0;
}

int process_chdir(int root_fd, const char *cwd, bool make, struct err *e)
{
	AUTO_FD int fd = -1;
	char text[4096];

	/* Where we are. */
	if (root_fd == AT_FDCWD && cwd[0] == '/' && cwd[1] == '\0')
		return 0;
	fd = fs_open_in_root(root_fd, cwd, O_PATH | O_DIRECTORY, 0, e);
	if (fd < 0 && make && e->number == ENOENT)
		fd = fs_make_dirs_in_root(root_fd, cwd, 0755, e);
	if (fd < 0)
		return err_add(e, "working directory %s", cwd);
	if (fchdir(fd) < 0)
		return err_sys(e, "working directory %s", cwd);
	if (!getcwd(text, sizeof(text)) || text[0] != '/')
		return err_set(e, "working directory %s: lies outside of the container", cwd);
	return 0;
}

static void warn_of_missing(uint64_t wanted, uint64_t all)
{
	for (unsigned i = 0; i < 64; i++)
		if (wanted & ~all & 1ull << i)
			log_warn(".process.capabilities: %s cannot be granted: "
				 "box does not have it",
				 oci_cap_name(i) ? oci_cap_name(i) : "?");
}

int process_drop(const struct oci_process *p, struct err *e)
{
	uint64_t all;

	if (caps_set(p->caps.effective, p->caps.permitted, p->caps.inheritable, e)) {
		/* What we have not ourselves cannot be granted; config.md wants the rest of it
		 * then, and no failure. */
		all = caps_permitted();
		if (e->number == EPERM)
			warn_of_missing(p->caps.permitted | p->caps.inheritable, all);
		if (e->number != EPERM ||
		    caps_set(p->caps.effective & all, p->caps.permitted & all,
			     p->caps.inheritable & all, e))
			return -1;
	}
	/* The kernel keeps ambient within permitted and inheritable by itself. */
	if (!(p->caps.permitted & p->caps.inheritable))
		return 0;
	return caps_raise_ambient(p->caps.ambient, e);
}

static int install(int seccomp_fd, unsigned flags, volatile int *listener_fd, struct err *e)
{
	int got;

	if (seccomp_fd < 0)
		return 0;
	/* We are one thread; and the kernel takes this one and a listener only with an error that
	 * nobody could tell from an fd. */
	flags &= ~(unsigned)SECCOMP_FILTER_FLAG_TSYNC;
	/* It says how a listener's answer is waited for. */
	if (!listener_fd)
		flags &= ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	else
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	got = seccomp_install(seccomp_fd, flags, e);
	if (got >= 0 && listener_fd)
		*listener_fd = got;
	return got < 0 ? -1 : 0;
}

int process_confine(const struct oci_process *p, int seccomp_fd, unsigned seccomp_flags,
		    volatile int *listener_fd, struct err *e)
{
	uint64_t all;

	if (set_limits(0, p, true, e))
		return -1;
	if (p->no_new_privs)
		return process_drop(p, e) || install(seccomp_fd, seccomp_flags, listener_fd, e)
			       ? -1
			       : 0;
	/* setresuid emptied the effective set, and the filter wants CAP_SYS_ADMIN in it. */
	if (seccomp_fd >= 0 && p->user.uid != 0) {
		all = caps_permitted();
		if (caps_set(all, all, 0, e))
			return -1;
	}
	return install(seccomp_fd, seccomp_flags, listener_fd, e) ? -1 : process_drop(p, e);
}
