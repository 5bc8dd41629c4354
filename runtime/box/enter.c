/* enter.c - see enter.h */
#include "box/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/apparmor.h"
#include "box/cgroup.h"
#include "box/console.h"
#include "box/notify.h"
#include "box/ns.h"
#include "box/process.h"
#include "box/program.h"
#include "box/stage_link.h"
#include "box/stdio.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "oci/cpu_list.h"
#include "oci/spec.h"
#include "oci/state.h"

struct entering {
	const struct enter_job *job;
	int target_pidfd;
	uint64_t late_flags; /* namespaces that the new process joins by itself */
	int link_fd, console_fd, listener_fd;	/* the new process's ends */
	int profile_fd;				/* the new process's, comes with GO */
	struct stage_result *r;
};

static bool has(const struct oci_spec *spec, enum oci_namespace ns)
{
	return spec->namespaces & 1u << ns || spec->namespace_paths[ns];
}

static pid_t await_go(struct entering *g, struct err *e)
{
	struct msg *m = stage_link_message();
	pid_t pid;
	int got = msg_receive(g->link_fd, m, e);

	if (got == 0)
		_exit(1);	/* nobody is left to be told */
	if (got < 0)
		return -1;
	pid = (pid_t)msg_get_u64(m);
	g->profile_fd = msg_take_fd(m);
	return m->type != STAGE_GO || msg_end(m, e) ? -1 : pid;
}

/* The working directory is the container's root from setns on. */
static int set_up(struct entering *g, struct program *program, struct err *e)
{
	const struct enter_job *job = g->job;
	const struct oci_process *p = job->process;
	const int kept[] = { g->link_fd, job->seccomp_fd, g->listener_fd, g->profile_fd };

	if (g->late_flags && setns(g->target_pidfd, (int)g->late_flags) < 0)
		return err_sys(e, "join the cgroup and user namespaces");
	program_environment(p, program);
	if (process_begin(has(job->spec, OCI_NS_USER), false, e) ||
	    stdio_set(job->stdio_fds, g->console_fd, p, false, e) ||
	    stdio_keep(job->preserved_fds, kept, ARRAY_SIZE(kept), e) ||
	    process_chdir(AT_FDCWD, p->cwd, false, e) ||
	    process_inherit(job->spec, e) || process_become(p, job->tied, e))
		return -1;
	if (job->tied && !stage_link_has_maker(g->link_fd))
		stage_link_end();
	return program_find(p, program, e);
}

static void __attribute__((noreturn)) run_inside(struct entering *g)
{
	const struct oci_process *p = g->job->process;
	struct oci_state state = g->job->state ? *g->job->state : (struct oci_state){ 0 };
	struct program program;
	struct err e;
	pid_t pid = await_go(g, &e);

	state.pid = g->job->pid;
	if (pid > 0 && set_up(g, &program, &e) == 0 && apparmor_set(&g->profile_fd, p, &e) == 0 &&
	    notify_confine(p, g->job->spec->seccomp, &state, pid, g->job->seccomp_fd,
			   g->listener_fd, &e) == 0)
		program_exec(p, &program, &e);
	stage_link_tell(g->link_fd, e.text);
	stage_link_end();
}

static int open_console(struct entering *g, struct err *e)
{
	int pair[2];

	if (!g->job->process->terminal)
		return 0;
	if (g->job->console_fd >= 0) {
		g->console_fd = fcntl(g->job->console_fd, F_DUPFD_CLOEXEC, 3);
		return g->console_fd < 0 ? err_sys(e, "keep the console socket") : 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a connection");
	g->r->console_fd = pair[0];	/* gives way to the master in the end */
	g->console_fd = pair[1];
	return 0;
}

static int start(struct entering *g, struct err *e)
{
	const struct enter_job *job = g->job;
	const char *affinity = job->process->affinity_initial;
	struct cpu_list cpus;
	uint64_t flags = 0;

	if (affinity && cpu_list_parse(affinity, &cpus, e))
		return err_add(e, ".process.execCPUAffinity.initial");
	g->late_flags = CLONE_NEWCGROUP;
	/* Who is not the machine's root has the rights to the others in the user namespace alone.
	 */
	if (job->cgroup_fd >= 0 && geteuid() == 0)
		g->late_flags |= CLONE_NEWUSER;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (has(job->spec, i))
			flags |= ns_flag(i);
	g->late_flags &= flags;
	flags &= ~g->late_flags;
	g->r->pid = ns_enter(g->target_pidfd, flags, job->cgroup_fd, affinity ? &cpus : NULL,
			     &g->r->pidfd, e);
	if (g->r->pid == 0) {
		/* Its end must be ours alone: else nobody sees the caller die. */
		fd_close(&g->r->link_fd);
		run_inside(g);
	}
	fd_close(&g->link_fd);
	fd_close(&g->console_fd);
	return g->r->pid < 0 ? -1 : 0;
}

static int set_limits(const struct entering *g, struct err *e)
{
	const struct oci_process *p = g->job->process;
	struct cpu_list cpus;

	if (process_limit(g->r->pid, p, e))
		return -1;
	if (!p->affinity_final)
		return 0;
	if (cpu_list_parse(p->affinity_final, &cpus, e))
		return err_add(e, ".process.execCPUAffinity.final");
	if (sched_setaffinity(g->r->pid, sizeof(cpus.bits), (const void *)cpus.bits) < 0)
		return err_sys(e, ".process.execCPUAffinity.final");
	return 0;
}

static int await_exec(struct entering *g, struct err *e)
{
	int socket_fd = g->r->console_fd;
	AUTO_FD int profile_fd = -1;

	if (apparmor_open_of(g->r->pid, g->job->process, &profile_fd, e) ||
	    stage_link_send(g->r->link_fd, STAGE_GO, (uint64_t)g->r->pid, profile_fd, e) ||
	    stage_link_receive(g->r->link_fd, e) < 0)
		return -1;
	fd_close(&g->r->link_fd);
	if (socket_fd < 0)
		return 0;
	g->r->console_fd = console_receive(socket_fd, e);
	close(socket_fd);
	return g->r->console_fd < 0 ? -1 : 0;
}

static int run(struct entering *g, struct err *e)
{
	const struct enter_job *job = g->job;

	/* Before the first step inside: its processes may look at us through /proc. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	g->target_pidfd = job->pidfd >= 0 ? fcntl(job->pidfd, F_DUPFD_CLOEXEC, 3)
					  : (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (g->target_pidfd < 0)
		return err_sys(e, "the container's first process %d", (int)job->pid);
	if (stage_link_make(&g->r->link_fd, &g->link_fd, e) || open_console(g, e) ||
	    notify_connect(job->spec->seccomp, &g->listener_fd, e) || start(g, e))
		return -1;
	if (job->on_pid && job->on_pid(job->ctx, g->r->pid, g->r->pid, e))
		return -1;
	return set_limits(g, e) ? -1 : await_exec(g, e);
}

static int enter_once(const struct enter_job *job, struct stage_result *r, struct err *e)
{
	struct entering g = { .job = job,
			      .target_pidfd = -1,
			      .link_fd = -1,
			      .console_fd = -1,
			      .listener_fd = -1,
			      .profile_fd = -1,
			      .r = r };
	int failed;

	*r = (struct stage_result){ .pid = -1, .pidfd = -1, .console_fd = -1, .link_fd = -1 };
	failed = run(&g, e);
	fd_close(&g.target_pidfd);
	fd_close(&g.link_fd);
	fd_close(&g.console_fd);
	fd_close(&g.listener_fd);
	if (failed)
		stage_abandon(r);
	return failed;
}

int enter_run(const struct enter_job *job, struct stage_result *r, struct err *e)
{
	struct enter_job followed = *job;
	AUTO_FD int mount_fd = -1;
	AUTO_FD int first_fd = -1;
	struct err why;

	if (enter_once(job, r, e) == 0)
		return 0;
	/* cgroup-v2.rst, "No Internal Process Constraint". */
	if (job->cgroup_fd < 0 || job->cgroup_is_fixed || !e || e->number != EBUSY)
		return -1;
	mount_fd = cgroup_open_mount(&why);
	first_fd = mount_fd < 0 ? -1 : cgroup_open_process(mount_fd, job->pid, &why);
	if (first_fd < 0)
		return -1;
	followed.cgroup_fd = first_fd;
	return enter_once(&followed, r, e);
}
