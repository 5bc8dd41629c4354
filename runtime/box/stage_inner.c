/* stage_inner.c - see stage_inner.h */
#include "box/stage_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "box/console.h"
#include "box/gate.h"
#include "box/hooks.h"
#include "box/mount_do.h"
#include "box/mount_source.h"
#include "box/notify.h"
#include "box/plan.h"
#include "box/process.h"
#include "box/program.h"
#include "box/stage.h"
#include "box/sysctl.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/msg.h"
#include "oci/spec.h"
#include "oci/spec_seccomp.h"
#include "oci/state.h"

/* Whoever must be told when a step fails; it changes at the gate. */
struct teller {
	int gate_connection_fd;		/* -1 = the stage, over the link */
};

static int take_message(struct stage_inner *in, struct msg *m, struct err *e)
{
	struct mount_sources *sources = in->sources;
	uint64_t index;

	switch ((enum stage_message)m->type) {
	case STAGE_ROOT:
		sources->root_fd = msg_take_fd(m);
		break;
	case STAGE_SOURCE:
		index = msg_get_u64(m);
		if (index >= sources->count)
			return err_set(e, "a mount beyond the last one");
		sources->fds[index] = msg_take_fd(m);
		break;
	case STAGE_GO:
		in->pid = (pid_t)msg_get_u64(m);
		break;
	case STAGE_EXEC:
		break;
	case STAGE_READY:
	case STAGE_FAILED:
		return err_set(e, "an unknown message from the stage");
	}
	return msg_end(m, e);
}

static int await(struct stage_inner *in, enum stage_message type, struct err *e)
{
	struct msg m;

	do {
		int got = msg_receive(in->link_fd, &m, e);

		if (got == 0)
			_exit(1);	/* the stage is gone, nobody is left to be told */
		if (got < 0 || take_message(in, &m, e))
			return -1;
	} while (m.type != type);
	return 0;
}

static void tell(int link_fd, enum stage_message type, const char *sentence)
{
	struct msg m;

	msg_init(&m, type);
	if (sentence)
		msg_put_str(&m, sentence);
	msg_send(link_fd, &m, NULL);
}

/* A namespace that others live in already has its names; only what differs is set. */
static int set_names(const struct oci_spec *spec, struct err *e)
{
	struct utsname names;

	if (!spec->hostname && !spec->domainname)
		return 0;
	if (spec->namespaces & 1u << OCI_NS_UTS || uname(&names) < 0)
		names = (struct utsname){ .nodename = "", .domainname = "" };
	if (spec->hostname && strcmp(spec->hostname, names.nodename) != 0 &&
	    sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return err_sys(e, ".hostname: set the host name");
	if (spec->domainname && strcmp(spec->domainname, names.domainname) != 0 &&
	    setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return err_sys(e, ".domainname: set the domain name");
	return 0;
}

static struct oci_state state_of(const struct stage_inner *in, const char *status)
{
	const struct box_plan *plan = in->job->plan;

	return (struct oci_state){
		.id = plan->name,
		.status = status,
		.pid = getpid(),	/* as the container sees it */
		.bundle = plan->bundle,
		.annotations = plan->spec->annotations,
		.annotation_count = plan->spec->annotation_count,
	};
}

/* Their paths are the machine's, which is still "/" here. The bundle is opened again: the stage's
 * fd leads to a mount outside of this namespace. */
static int run_create_hooks(const struct stage_inner *in, struct err *e)
{
	const struct box_plan *plan = in->job->plan;
	const struct oci_state state = state_of(in, "creating");
	AUTO_FD int bundle_fd = -1;

	if (plan->spec->hooks[OCI_HOOK_CREATE_CONTAINER].count == 0)
		return 0;
	bundle_fd = openat(AT_FDCWD, plan->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (bundle_fd < 0)
		return err_sys(e, "open the bundle %s", plan->bundle);
	return hooks_run(plan->spec, OCI_HOOK_CREATE_CONTAINER, &state, bundle_fd, e);
}

static int make_root(const struct stage_inner *in, struct err *e)
{
	const struct box_plan *plan = in->job->plan;

	/* A joined mount namespace has its root and its mounts already. */
	if (plan->spec->namespace_paths[OCI_NS_MOUNT])
		return run_create_hooks(in, e) ? -1 : sysctl_set(plan, e);
	if (mount_do(&plan->mounts, in->sources, e) || run_create_hooks(in, e) ||
	    sysctl_set(plan, e))
		return -1;
	return mount_do_enter(&plan->mounts, in->sources, e);
}

/* The working directory is the container's root here. */
static int open_null(struct err *e)
{
	AUTO_FD int fd = fs_open_in_root(AT_FDCWD, "/dev/null", O_RDWR, 0, e);
	struct stat st;

	if (fd < 0)
		return err_add(e, "stdio");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(e, "stdio: /dev/null is not the null device");
	return take_fd(&fd);
}

static int set_stdio(const struct stage_inner *in, struct err *e)
{
	const int *wanted = in->job->stdio_fds;
	AUTO_FD int null_fd = -1;

	if (in->console_fd >= 0)
		return console_make(AT_FDCWD, in->console_fd, &in->job->plan->spec->process, 1, e);
	if (wanted[0] < 0 || wanted[1] < 0 || wanted[2] < 0) {
		null_fd = open_null(e);
		if (null_fd < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		int fd = wanted[i] < 0 ? null_fd : wanted[i];

		if (fd != i && dup2(fd, i) < 0)
			return err_sys(e, "set up stdin, stdout and stderr");
	}
	return 0;
}

/* Closed by exec, whatever the caller left open: the program starts with 0, 1, 2 and what is
 * declared (CVE-2024-21626). */
static int mark_fds(const struct stage_inner *in, struct err *e)
{
	if (syscall(SYS_close_range, 3 + in->job->preserved_fds, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "close_range");
	return 0;
}

static int set_up(struct stage_inner *in, struct program *program, struct err *e)
{
	const struct oci_spec *spec = in->job->plan->spec;
	bool user_ns = spec->namespaces & 1u << OCI_NS_USER || spec->namespace_paths[OCI_NS_USER];

	if (await(in, STAGE_GO, e))
		return -1;
	/* Nobody traces us or reads our memory through /proc until exec (CVE-2016-9962). */
	if (in->job->plan->policy.service && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	if (process_begin(user_ns, e))
		return -1;
	if (spec->namespaces & 1u << OCI_NS_CGROUP && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, "make a cgroup namespace");
	if (set_names(spec, e) || make_root(in, e) || set_stdio(in, e) || mark_fds(in, e) ||
	    process_chdir(AT_FDCWD, spec->process.cwd, true, e) || process_inherit(spec, e) ||
	    process_become(&spec->process, in->job->tied, e))
		return -1;
	return program_find(&spec->process, program, e);
}

/* By a hook of the image's own file system: so with the program's ids and capabilities. */
static int run_start_hooks(const struct stage_inner *in, struct err *e)
{
	const struct oci_spec *spec = in->job->plan->spec;
	const struct oci_state state = state_of(in, "created");
	AUTO_FD int root_fd = -1;

	if (spec->hooks[OCI_HOOK_START_CONTAINER].count == 0)
		return 0;
	root_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return err_sys(e, "open /");
	return hooks_run(spec, OCI_HOOK_START_CONTAINER, &state, root_fd, e);
}

static int wait_at_gate(struct stage_inner *in, struct teller *teller, struct err *e)
{
	tell(in->link_fd, STAGE_READY, NULL);
	if (in->job->gate_fd < 0)
		return await(in, STAGE_EXEC, e);
	fd_close(&in->link_fd);
	teller->gate_connection_fd = gate_wait(in->job->gate_fd, e);
	return teller->gate_connection_fd < 0 ? -1 : 0;
}

static int confine(struct stage_inner *in, struct err *e)
{
	const struct oci_spec *spec = in->job->plan->spec;
	unsigned flags = spec->seccomp ? spec->seccomp->flags : 0;
	struct oci_state state;

	if (in->listener_fd < 0)
		return process_confine(&spec->process, in->job->seccomp_fd, flags, NULL, e);
	state = state_of(in, "creating");
	state.pid = in->pid;
	return notify_confine(spec, &state, in->job->seccomp_fd, in->listener_fd, e);
}

void stage_inner(struct stage_inner *in)
{
	struct teller teller = { .gate_connection_fd = -1 };
	struct program program;
	struct err e;

	if (set_up(in, &program, &e) == 0 && wait_at_gate(in, &teller, &e) == 0 &&
	    run_start_hooks(in, &e) == 0 && confine(in, &e) == 0)
		program_exec(&in->job->plan->spec->process, &program, &e);
	if (teller.gate_connection_fd >= 0)
		gate_refuse(teller.gate_connection_fd, e.text);
	else
		tell(in->link_fd, STAGE_FAILED, e.text);
	_exit(1);
}
