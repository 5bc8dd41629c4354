/* stage_inner.c - the first process of a container, up to its exec; see stage_service.h
 *
 * Runs the appliance's code with the container's namespaces and ids. Nothing of the image runs
 * before the last line: what the image can influence here is what lies in its file system, and that
 * is met by fds, inside its root, without magic links. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/caps.h"
#include "box/mount_do.h"
#include "box/mount_fd.h"
#include "box/mount_source.h"
#include "box/plan.h"
#include "box/program.h"
#include "box/seccomp.h"
#include "box/stage_service.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/msg.h"
#include "oci/spec.h"

enum { UMASK_DEFAULT = 0022, SYSCTL_PATH_MAX = 256 };

struct inner {
	const struct stage *s;
	int link_fd, stdout_fd, stderr_fd;
	struct mount_sources *sources;
};

static int take_message(struct inner *in, struct msg *m, struct err *e)
{
	switch ((enum stage_message)m->type) {
	case STAGE_ROOT:
		in->sources->root_fd = msg_take_fd(m);
		break;
	case STAGE_VOLUME: {
		uint64_t index = msg_get_u64(m);

		if (index >= in->sources->count)
			return err_set(e, "a volume beyond the last one");
		in->sources->fds[index] = msg_take_fd(m);
		break;
	}
	case STAGE_GO:
		break;
	case STAGE_FAILED:
	case STAGE_STARTED:
		return err_set(e, "an unknown message from the stage");
	}
	return msg_end(m, e);
}

static int receive_mounts(struct inner *in, struct err *e)
{
	struct msg m;

	do {
		int got = msg_receive(in->link_fd, &m, e);

		if (got == 0)
			_exit(1);	/* the stage is gone, nobody is left to be told */
		if (got < 0 || take_message(in, &m, e))
			return -1;
	} while (m.type != STAGE_GO);
	return 0;
}

/* From here on files that we make belong to the container's root, and nobody joins its keyring. */
static int become_root(const struct oci_spec *spec, struct err *e)
{
	if (setresgid(0, 0, 0) < 0 || setgroups(0, NULL) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "become the container's root");
	if (spec->namespaces & 1u << OCI_NS_CGROUP && spec->cgroups_path &&
	    unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, "make a cgroup namespace");
	/* A kernel without keys has nothing to share. */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	setsid();
	umask(UMASK_DEFAULT);
	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return err_sys(e, "set the host name");
	return 0;
}

static int set_sysctl(int sys_fd, const char *key, const char *value, struct err *e)
{
	char path[SYSCTL_PATH_MAX];

	snprintf(path, sizeof(path), "%s", key);
	for (char *dot = path; (dot = strchr(dot, '.'));)
		*dot++ = '/';
	return fs_write_control_at(sys_fd, path, value, e);
}

/* Through a procfs of our own that is mounted nowhere: what the image or a volume put at /proc does
 * not matter (CVE-2025-52881). */
static int set_sysctls(const struct oci_spec *spec, struct err *e)
{
	AUTO_FD int proc_fd = mount_fd_new("proc", "proc", NULL, 0, e);
	AUTO_FD int sys_fd = -1;

	if (proc_fd < 0)
		return -1;
	sys_fd = openat(proc_fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sys_fd < 0)
		return err_sys(e, "open sysctls");
	for (size_t i = 0; i < spec->sysctl_count; i++)
		if (set_sysctl(sys_fd, spec->sysctl[i].key, spec->sysctl[i].value, e))
			return err_add(e, "sysctl %s", spec->sysctl[i].key);
	/* No user namespaces inside this one: they open kernel code that containers have no use
	 * for. */
	if (spec->namespaces & 1u << OCI_NS_USER)
		return set_sysctl(sys_fd, "user.max_user_namespaces", "0", e);
	return 0;
}

static int set_stdio(const struct inner *in, struct err *e)
{
	AUTO_FD int null_fd = fs_open_in_root(in->sources->root_fd, "/dev/null", O_RDWR, 0, e);
	struct stat st;

	if (null_fd < 0)
		return err_add(e, "stdin");
	if (fstat(null_fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(e, "stdin: /dev/null is not the null device");
	if (dup2(null_fd, 0) < 0 || dup2(in->stdout_fd, 1) < 0 || dup2(in->stderr_fd, 2) < 0)
		return err_sys(e, "set up stdin, stdout and stderr");
	/* Closed by exec; the program starts with 0, 1 and 2 alone (CVE-2024-21626). */
	if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "close_range");
	return 0;
}

static int set_cwd(const struct inner *in, const char *cwd, struct err *e)
{
	AUTO_FD int fd = fs_make_dirs_in_root(in->sources->root_fd, cwd, 0755, e);
	char text[4096];

	if (fd < 0)
		return err_add(e, "working directory %s", cwd);
	if (fchdir(fd) < 0)
		return err_sys(e, "working directory %s", cwd);
	if (!getcwd(text, sizeof(text)) || text[0] != '/')
		return err_set(e, "working directory %s: lies outside of the container", cwd);
	return 0;
}

static int set_ids(const struct oci_user *user, struct err *e)
{
	gid_t *groups = user->groups;

	/* Permitted capabilities stay over setresuid: two more steps need them. exec drops what is
	 * left. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities");
	if (setgroups(user->group_count, groups) < 0 ||
	    setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return err_sys(e, "become user %u:%u", user->uid, user->gid);
	umask(user->umask >= 0 ? (mode_t)user->umask : UMASK_DEFAULT);
	return 0;
}

/* The last of our powers. Without no_new_privs a filter needs CAP_SYS_ADMIN, so it comes before
 * capset; with it, after. */
static int give_up(const struct stage *s, struct err *e)
{
	const struct oci_process *p = &s->plan->spec->process;
	uint64_t all = caps_permitted();

	if (caps_bound(p->caps.bounding, e) || set_ids(&p->user, e))
		return -1;
	if (p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	/* A container without its boxmon would run unseen. Cleared by a change of ids, so it is set
	 * after. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie the container to its monitor");
	if (s->seccomp_fd >= 0 && !p->no_new_privs &&
	    (caps_set(all, all, 0, e) || seccomp_install(s->seccomp_fd, 0, e)))
		return -1;
	if (caps_set(p->caps.effective, p->caps.permitted, p->caps.inheritable, e) ||
	    caps_raise_ambient(p->caps.ambient, e))
		return -1;
	return s->seccomp_fd >= 0 && p->no_new_privs ? seccomp_install(s->seccomp_fd, 0, e) : 0;
}

static int set_up(struct inner *in, struct err *e)
{
	const struct box_plan *plan = in->s->plan;

	if (receive_mounts(in, e))
		return -1;
	/* Nobody traces us or reads our memory through /proc until exec (CVE-2016-9962). Not
	 * earlier: the stage opens our namespaces there, without CAP_SYS_PTRACE. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	if (become_root(plan->spec, e))
		return -1;
	if (mount_do(&plan->mounts, in->sources, e) || set_sysctls(plan->spec, e) ||
	    mount_do_enter(&plan->mounts, in->sources, e) || set_stdio(in, e) ||
	    set_cwd(in, plan->spec->process.cwd, e))
		return -1;
	return give_up(in->s, e);
}

void stage_inner(const struct stage *s, struct mount_sources *sources, int link_fd, int stdout_fd,
		 int stderr_fd)
{
	struct inner in = {
		.s = s,
		.link_fd = link_fd,
		.stdout_fd = stdout_fd,
		.stderr_fd = stderr_fd,
		.sources = sources,
	};
	struct err e;
	struct msg m;

	if (set_up(&in, &e) == 0)
		program_exec(&s->plan->spec->process, &e);
	msg_init(&m, STAGE_FAILED);
	msg_put_str(&m, e.text);
	msg_send(link_fd, &m, NULL);
	_exit(1);
}
