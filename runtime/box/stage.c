/* stage.c - see stage.h */
#include "box/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/console.h"
#include "box/hooks.h"
#include "box/idmap.h"
#include "box/mount_source.h"
#include "box/net_device.h"
#include "box/notify.h"
#include "box/ns.h"
#include "box/plan.h"
#include "box/process.h"
#include "box/stage_inner.h"
#include "box/stage_link.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "oci/spec.h"
#include "oci/state.h"

struct staging {
	const struct stage_job *job;
	const struct oci_spec *spec;
	struct ns_join join;
	struct mount_sources sources;
	int inner_link_fd, inner_console_fd, listener_fd;
	int proc_fd;		/* /proc; opened when it is needed */
	struct err failure;	/* of an inner that runs beside */
	volatile int alive;	/* the stage, as that inner sees it */
	struct stage_result *r;
};

static int open_console(struct staging *g, struct err *e)
{
	int pair[2];

	if (!g->spec->process.terminal)
		return 0;
	if (g->job->console_fd >= 0) {
		g->inner_console_fd = g->job->console_fd;
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a connection");
	g->r->console_fd = pair[0];	/* gives way to the master in the end */
	g->inner_console_fd = pair[1];
	return 0;
}

/* Everything that inner shall inherit. */
static int open_all(struct staging *g, struct err *e)
{
	const struct box_plan *plan = g->job->plan;

	if (ns_join_open(&g->join, g->spec, plan->sysctl_namespaces, e))
		return -1;
	g->sources.bundle_fd = g->job->bundle_fd >= 0 ? g->job->bundle_fd : AT_FDCWD;
	g->sources.cgroup_fd = g->job->cgroup_fd;
	if (mount_sources_open(&g->sources, &plan->mounts, e) || open_console(g, e) ||
	    notify_connect(g->spec->seccomp, &g->listener_fd, e))
		return -1;
	return 0;
}

/* Only a mount with the ids of the container's own user namespace wants that. */
static bool wants_map(const struct staging *g)
{
	const struct mount_plan *plan = &g->job->plan->mounts;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].options.idmap != MOUNT_IDMAP_NONE && !plan->steps[i].uid_maps)
			return true;
	return false;
}

enum { SHARED_MEMORY_MIN_BYTES = 16 << 20 };

/* Whoever is killed for want of memory takes along who shares his; so not with a small limit. */
static bool runs_beside(const struct staging *g)
{
	const struct oci_spec *spec = g->spec;
	const struct box_plan *plan = g->job->plan;
	int64_t limit = spec->resources.memory_limit_bytes;
	bool joins = false, hooks = false;

	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		joins |= g->join.fds[i] >= 0;
	for (unsigned i = 0; i < OCI_HOOK_POSTSTART; i++)
		hooks |= spec->hooks[i].count > 0;
	return g->job->beside && g->job->at_once && !joins && !hooks && !plan->policy.service &&
	       !(plan->clone_flags & (CLONE_NEWUSER | CLONE_NEWTIME)) && !g->sources.late &&
	       !spec->process.terminal && g->listener_fd < 0 && !spec->net_device_count &&
	       !g->job->root && !wants_map(g) && (limit <= 0 || limit >= SHARED_MEMORY_MIN_BYTES);
}

static int begin_beside(struct staging *g, struct err *e)
{
	const struct stage_job *job = g->job;

	if (job->on_pid && job->on_pid(job->ctx, g->r->pid, getpid(), e))
		return -1;
	return process_limit(0, &g->spec->process, e);
}

static void inner_beside(void *ctx)
{
	struct staging *g = ctx;
	struct stage_inner in = {
		.job = g->job,
		.sources = &g->sources,
		.link_fd = -1,
		.failure = &g->failure,
		.maker = &g->alive,
		.console_fd = -1,
		.listener_fd = -1,
		.pid = g->r->pid,
		.at_once = true,
	};

	/* With a connection the stage's death would be its end; here it must be ours, until all is
	 * done. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		err_sys(&g->failure, "tie the container to its maker");
	else if (!g->alive)
		stage_link_end();
	else if (begin_beside(g, &g->failure) == 0)
		stage_inner(&in);
	stage_link_end();
}

static int make_beside(struct staging *g, struct err *e)
{
	int failed;

	g->failure.text[0] = '\0';
	/* The end of a process whose memory others use is written there, before its children are
	 * told (set_tid_address(2)). A parent in another pid namespace is no number to ask for. */
	g->alive = (int)syscall(SYS_set_tid_address, &g->alive);
	failed = ns_clone_beside(g->job->plan->clone_flags, g->job->cgroup_fd, &g->r->pid,
				 &g->r->pidfd, inner_beside, g, e);
	syscall(SYS_set_tid_address, NULL);
	if (failed) {
		g->r->pid = -1;
		return -1;
	}
	if (!g->failure.text[0])
		return 0;
	if (e)
		*e = g->failure;
	return -1;
}

static int start_inner(struct staging *g, struct err *e)
{
	pid_t pid = ns_start(g->spec, &g->join, g->job->plan->clone_flags, g->job->cgroup_fd,
			     &g->r->pidfd, e);

	if (pid == 0) {
		struct stage_inner in = {
			.job = g->job,
			.sources = &g->sources,
			.link_fd = g->inner_link_fd,
			.console_fd = g->inner_console_fd,
			.listener_fd = g->listener_fd,
		};

		/* Its end must be inner's alone: else nobody sees the stage die. */
		fd_close(&g->r->link_fd);
		stage_inner(&in);
	}
	if (pid < 0)
		return -1;
	g->r->pid = pid;
	fd_close(&g->inner_link_fd);
	if (g->inner_console_fd != g->job->console_fd)
		fd_close(&g->inner_console_fd);
	return g->job->on_pid ? g->job->on_pid(g->job->ctx, pid, pid, e) : 0;
}

static int set_ids_and_limits(struct staging *g, struct err *e)
{
	const struct oci_spec *spec = g->spec;
	bool own_user_ns = spec->namespaces & 1u << OCI_NS_USER;
	struct oci_process limits = spec->process;

	/* The service protects itself; that is not inherited. */
	limits.has_oom_score_adj |= g->job->plan->policy.service;
	if (own_user_ns || wants_map(g) || spec->net_device_count) {
		g->proc_fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (g->proc_fd < 0)
			return err_sys(e, "open /proc");
	}
	if (own_user_ns &&
	    idmap_write(g->proc_fd, g->r->pid, &spec->uid_maps, &spec->gid_maps, e))
		return -1;
	return process_limit(g->r->pid, &limits, e);
}

static int send_new(struct staging *g, const int *before, struct err *e)
{
	if (g->sources.root_fd >= 0 &&
	    stage_link_send(g->r->link_fd, STAGE_ROOT, 0, g->sources.root_fd, e))
		return -1;
	for (size_t i = 0; i < g->sources.count; i++)
		if (before[i] < 0 && g->sources.fds[i] >= 0 &&
		    stage_link_send(g->r->link_fd, STAGE_SOURCE, i, g->sources.fds[i], e))
			return -1;
	return 0;
}

static int open_root(struct staging *g, struct err *e)
{
	const struct stage_root *root = g->job->root;
	AUTO_FREE int *before = calloc(g->sources.count + 1, sizeof(*before));
	AUTO_FD int user_ns_fd = ns_open(g->proc_fd, g->r->pid, "user", e);
	AUTO_FD int mount_ns_fd = user_ns_fd < 0 ? -1 : ns_open(g->proc_fd, g->r->pid, "mnt", e);

	if (!before)
		abort();
	if (mount_ns_fd < 0)
		return -1;
	for (size_t i = 0; i < g->sources.count; i++)
		before[i] = g->sources.fds[i];
	if (mount_sources_map(&g->sources, &g->job->plan->mounts, user_ns_fd, e) ||
	    root->open(root->ctx, user_ns_fd, mount_ns_fd, &g->sources, e))
		return -1;
	return send_new(g, before, e);
}

static int map_sources(struct staging *g, struct err *e)
{
	AUTO_FD int user_ns_fd = -1;

	if (g->job->root)
		return open_root(g, e);
	if (!wants_map(g))
		return 0;
	user_ns_fd = ns_open(g->proc_fd, g->r->pid, "user", e);
	return user_ns_fd < 0
		       ? -1
		       : mount_sources_map(&g->sources, &g->job->plan->mounts, user_ns_fd, e);
}

static int move_net_devices(struct staging *g, struct err *e)
{
	AUTO_FD int net_ns_fd = -1;

	if (g->spec->net_device_count == 0)
		return 0;
	net_ns_fd = ns_open(g->proc_fd, g->r->pid, "net", e);
	return net_ns_fd < 0 ? -1 : net_device_move(g->spec, net_ns_fd, e);
}

static int run_hooks(struct staging *g, struct err *e)
{
	const struct box_plan *plan = g->job->plan;
	const struct oci_state state = {
		.id = plan->name,
		.status = "creating",
		.pid = g->r->pid,
		.bundle = plan->bundle,
		.annotations = g->spec->annotations,
		.annotation_count = g->spec->annotation_count,
	};

	if (hooks_run(g->spec, OCI_HOOK_PRESTART, &state, g->job->bundle_fd, e))
		return -1;
	return hooks_run(g->spec, OCI_HOOK_CREATE_RUNTIME, &state, g->job->bundle_fd, e);
}

static int take_console(struct stage_result *r, struct err *e)
{
	int socket_fd = r->console_fd;

	if (socket_fd < 0)
		return 0;
	r->console_fd = console_receive(socket_fd, e);
	close(socket_fd);
	return r->console_fd < 0 ? -1 : 0;
}

static int await_ready(struct staging *g, struct err *e)
{
	int got;

	if (g->job->at_once) {
		g->r->at_once = true;
		return 0;
	}
	if (stage_link_send(g->r->link_fd, STAGE_GO, (uint64_t)g->r->pid, -1, e))
		return -1;
	got = stage_link_receive(g->r->link_fd, e);
	if (got == 0)
		return stage_link_died(e);
	if (got < 0)
		return -1;
	if (take_console(g->r, e))
		return -1;
	/* At its gate inner needs nobody any more. */
	if (g->job->gate_fd >= 0)
		fd_close(&g->r->link_fd);
	return 0;
}

static int make(struct staging *g, struct err *e)
{
	/* Nobody in a joined pid namespace traces inner, or reads its memory through /proc
	 * (CVE-2016-9962). The service cannot yet: it opens inner's namespaces there, without
	 * CAP_SYS_PTRACE; nor can an ordinary user, who could not write the id maps then. */
	if (!g->job->plan->policy.service && getauxval(AT_EUID) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	if (open_all(g, e))
		return -1;
	if (runs_beside(g))
		return make_beside(g, e);
	if (stage_link_make(&g->r->link_fd, &g->inner_link_fd, e) || start_inner(g, e) ||
	    set_ids_and_limits(g, e) || move_net_devices(g, e) || run_hooks(g, e) ||
	    map_sources(g, e))
		return -1;
	return await_ready(g, e);
}

int stage_make(const struct stage_job *job, struct stage_result *r, struct err *e)
{
	struct staging g = {
		.job = job,
		.spec = job->plan->spec,
		.inner_link_fd = -1,
		.inner_console_fd = -1,
		.listener_fd = -1,
		.proc_fd = -1,
		.r = r,
	};
	int failed;

	*r = (struct stage_result){ .pid = -1, .pidfd = -1, .console_fd = -1, .link_fd = -1 };
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		g.join.fds[i] = -1;
	mount_sources_init(&g.sources, &job->plan->mounts);
	failed = make(&g, e);
	ns_join_close(&g.join);
	mount_sources_close(&g.sources);
	fd_close(&g.inner_link_fd);
	if (g.inner_console_fd != job->console_fd)
		fd_close(&g.inner_console_fd);
	fd_close(&g.listener_fd);
	fd_close(&g.proc_fd);
	if (failed)
		stage_abandon(r);
	return failed;
}

int stage_release(struct stage_result *r, struct err *e)
{
	int got;

	if (r->link_fd < 0)
		return 0;	/* it ran beside */
	if (stage_link_send(r->link_fd, r->at_once ? STAGE_RUN : STAGE_EXEC, (uint64_t)r->pid, -1,
			    e))
		return -1;
	/* No word: its end of the connection was closed by exec. */
	got = stage_link_receive(r->link_fd, e);
	fd_close(&r->link_fd);
	if (got < 0)
		return -1;
	return r->at_once ? take_console(r, e) : 0;
}

void stage_abandon(struct stage_result *r)
{
	int saved = errno;

	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	r->pid = -1;
	stage_finish(r);
	errno = saved;
}

void stage_finish(struct stage_result *r)
{
	fd_close(&r->pidfd);
	fd_close(&r->console_fd);
	fd_close(&r->link_fd);
}
