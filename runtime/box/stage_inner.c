/* stage_inner.c - see stage_inner.h */
#include "box/stage_inner.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "box/apparmor.h"
#include "box/gate.h"
#include "box/hooks.h"
#include "box/loopback.h"
#include "box/mount_do.h"
#include "box/mount_source.h"
#include "box/notify.h"
#include "box/plan.h"
#include "box/process.h"
#include "box/program.h"
#include "box/stage.h"
#include "box/stage_link.h"
#include "box/stdio.h"
#include "box/sysctl.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "oci/spec.h"
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
	case STAGE_RUN:
	case STAGE_GO:
		in->at_once = m->type == STAGE_RUN;
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
	struct msg *m = stage_link_message();

	do {
		int got = msg_receive(in->link_fd, m, e);

		if (got == 0)
			_exit(1);	/* the stage is gone, nobody is left to be told */
		if (got < 0 || take_message(in, m, e))
			return -1;
	} while (m->type != type && !in->at_once);
	return 0;
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

/* pid: hooks in the container's namespaces get the one that it sees there. */
static struct oci_state state_of(const struct stage_inner *in, const char *status, pid_t pid)
{
	const struct box_plan *plan = in->job->plan;

	return (struct oci_state){
		.id = plan->name,
		.status = status,
		.pid = pid,
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
	AUTO_FD int bundle_fd = -1;

	if (plan->spec->hooks[OCI_HOOK_CREATE_CONTAINER].count == 0)
		return 0;
	const struct oci_state state = state_of(in, "creating", getpid());

	umask(PROCESS_UMASK);
	bundle_fd = openat(AT_FDCWD, plan->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (bundle_fd < 0)
		return err_sys(e, "open the bundle %s", plan->bundle);
	return hooks_run(plan->spec, OCI_HOOK_CREATE_CONTAINER, &state, bundle_fd, e);
}

static int make_root(const struct stage_inner *in, struct err *e)
{
	const struct box_plan *plan = in->job->plan;

	/* A joined mount namespace has its root and its mounts already. */
	if (plan->spec->namespace_paths[OCI_NS_MOUNT]) {
		umask(PROCESS_UMASK);
		return run_create_hooks(in, e) ? -1 : sysctl_set(plan, e);
	}
	if (mount_do(&plan->mounts, in->sources, e) || run_create_hooks(in, e) ||
	    sysctl_set(plan, e))
		return -1;
	return mount_do_enter(&plan->mounts, in->sources, e);
}

/* What the program finds open, and beside it only what is ours until the exec. */
static int keep_streams(const struct stage_inner *in, struct err *e)
{
	const int kept[] = { in->link_fd, in->job->gate_fd, in->job->seccomp_fd, in->listener_fd,
			     in->profile_fd };

	if (stdio_set(in->job->stdio_fds, in->console_fd, &in->job->plan->spec->process, true, e))
		return -1;
	return stdio_keep(in->job->preserved_fds, kept, ARRAY_SIZE(kept), e);
}

static int set_up(struct stage_inner *in, struct program *program, struct err *e)
{
	/* Without a link the stage's end must still be ours after the change of ids, until
	 * wait_at_gate. */
	const bool tied = in->job->tied || in->link_fd < 0;
	const struct oci_spec *spec = in->job->plan->spec;
	bool user_ns = spec->namespaces & 1u << OCI_NS_USER || spec->namespace_paths[OCI_NS_USER];
	const uint64_t late_flags = in->job->plan->late_flags;

	if (in->link_fd >= 0 && await(in, STAGE_GO, e))
		return -1;
	/* Nobody traces us or reads our memory through /proc until exec (CVE-2016-9962). */
	if ((in->job->plan->policy.service || in->sources->late) &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	if (process_begin(user_ns, in->job->keep_keyring, e))
		return -1;
	if (late_flags && unshare((int)late_flags) < 0)
		return err_sys(e, "make the cgroup and ipc namespaces");
	if (spec->namespaces & 1u << OCI_NS_NETWORK && loopback_set_up(e))
		return -1;
	if (set_names(spec, e) || apparmor_open_own(&spec->process, &in->profile_fd, e) ||
	    make_root(in, e))
		return -1;
	program_environment(&spec->process, program);
	if (keep_streams(in, e) ||
	    process_chdir(AT_FDCWD, spec->process.cwd, true, e) || process_inherit(spec, e) ||
	    process_become(&spec->process, tied, e))
		return -1;
	if (in->maker && !*in->maker)
		stage_link_end();
	return in->at_once ? program_find_to_exec(&spec->process, program, e) :
			     program_find(&spec->process, program, e);
}

/* By a hook of the image's own file system: so with the program's ids and capabilities. */
static int run_start_hooks(const struct stage_inner *in, struct err *e)
{
	const struct oci_spec *spec = in->job->plan->spec;
	AUTO_FD int root_fd = -1;

	if (spec->hooks[OCI_HOOK_START_CONTAINER].count == 0)
		return 0;
	const struct oci_state state = state_of(in, "created", getpid());

	root_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return err_sys(e, "open /");
	return hooks_run(spec, OCI_HOOK_START_CONTAINER, &state, root_fd, e);
}

static int wait_at_gate(struct stage_inner *in, struct teller *teller, struct err *e)
{
	if (in->link_fd < 0 && prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return err_sys(e, "let go of the container's maker");
	if (in->at_once)
		return 0;
	stage_link_tell(in->link_fd, NULL);
	if (in->job->gate_fd < 0)
		return await(in, STAGE_EXEC, e);
	fd_close(&in->link_fd);
	teller->gate_connection_fd = gate_wait(in->job->gate_fd, e);
	return teller->gate_connection_fd < 0 ? -1 : 0;
}

static int confine(struct stage_inner *in, struct err *e)
{
	const struct oci_spec *spec = in->job->plan->spec;
	const struct oci_state state = state_of(in, "creating", in->pid);

	if (apparmor_set(&in->profile_fd, &spec->process, e))
		return -1;
	return notify_confine(&spec->process, spec->seccomp, &state, in->pid, in->job->seccomp_fd,
			      in->listener_fd, e);
}

void stage_inner(struct stage_inner *in)
{
	struct teller teller = { .gate_connection_fd = -1 };
	struct program program;
	struct err e;

	in->profile_fd = -1;
	if (set_up(in, &program, &e) == 0 && wait_at_gate(in, &teller, &e) == 0 &&
	    run_start_hooks(in, &e) == 0 && confine(in, &e) == 0)
		program_exec(&in->job->plan->spec->process, &program, &e);
	if (in->link_fd < 0)
		*in->failure = e;
	else if (teller.gate_connection_fd >= 0)
		gate_refuse(teller.gate_connection_fd, e.text);
	else
		stage_link_tell(in->link_fd, e.text);
	stage_link_end();
}
