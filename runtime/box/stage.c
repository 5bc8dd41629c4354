/* stage.c - the stage itself; see stage.h */
#include "box/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/host.h"
#include "box/idmap.h"
#include "box/layers.h"
#include "box/monitor.h"
#include "box/mount_fd.h"
#include "box/ns.h"
#include "box/overlay.h"
#include "box/plan.h"
#include "box/state.h"
#include "box/volume.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/proc.h"
#include "lib/str.h"
#include "oci/spec.h"

/* A container killed by its own limit is fine, its boxmon killed by the machine's is not. */
#define MONITOR_OOM_SCORE "-999"

struct staging {
	const struct stage *s;
	pid_t inner_pid;
	int inner_pidfd;
	int link_fd;			/* to inner */
	int user_ns_fd, mount_ns_fd, own_mount_ns_fd;
	int stdout_fd, stderr_fd;	/* what inner's are read from */
};

static int send_fd(int link_fd, enum stage_message type, uint64_t index, int fd, struct err *e)
{
	struct msg m;

	msg_init(&m, type);
	if (type == STAGE_VOLUME)
		msg_put_u64(&m, index);
	if (fd >= 0)
		msg_put_fd(&m, fd);
	return msg_send(link_fd, &m, e);
}

/* /dev/stdout opened by name is checked like any file: it must belong to the container's user. */
static int make_output(const struct oci_spec *spec, int *read_fd, int *write_fd, struct err *e)
{
	uint32_t uid = 0, gid = 0;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	*read_fd = ends[0];
	*write_fd = ends[1];
	if (!idmap_outside(&spec->uid_maps, spec->process.user.uid, &uid) ||
	    !idmap_outside(&spec->gid_maps, spec->process.user.gid, &gid))
		return err_set(e, "user %u:%u is not in the container's id range",
			       spec->process.user.uid, spec->process.user.gid);
	return fchown(*write_fd, uid, gid) < 0 ? err_sys(e, "give stdout to user %u", uid) : 0;
}

static int start_inner(struct staging *g, struct err *e)
{
	const struct stage *s = g->s;
	AUTO_FD int out_fd = -1, err_fd = -1;
	int link[2];

	if (make_output(s->plan->spec, &g->stdout_fd, &out_fd, e) ||
	    make_output(s->plan->spec, &g->stderr_fd, &err_fd, e))
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) < 0)
		return err_sys(e, "make a connection");
	g->link_fd = link[0];
	AUTO_FD int inner_link_fd = link[1];

	/* inner hangs its root up here, see mount_do.h. */
	if (fchdir(s->state_fd) < 0)
		return err_sys(e, "change to the box's folder");
	g->inner_pid = ns_clone(s->plan->clone_flags, s->cgroup_fd, &g->inner_pidfd, e);
	if (g->inner_pid == 0) {
		close(g->link_fd);
		stage_inner(s, inner_link_fd, out_fd, err_fd);
	}
	return g->inner_pid < 0 ? -1 : 0;
}

static int set_limits(const struct staging *g, struct err *e)
{
	const struct oci_process *p = &g->s->plan->spec->process;
	char name[48], score[16];

	for (size_t i = 0; i < p->rlimit_count; i++) {
		struct rlimit limit = { .rlim_cur = p->rlimits[i].soft,
					.rlim_max = p->rlimits[i].hard };

		if (prlimit(g->inner_pid, (__typeof__(RLIMIT_CPU))p->rlimits[i].resource, &limit,
			    NULL) < 0)
			return err_sys(e, "set resource limit %d", p->rlimits[i].resource);
	}
	snprintf(name, sizeof(name), "%d/oom_score_adj", (int)g->inner_pid);
	snprintf(score, sizeof(score), "%d", p->has_oom_score_adj ? p->oom_score_adj : 0);
	return fs_write_control_at(g->s->host->proc_fd, name, score, e);
}

static int open_namespaces(struct staging *g, struct err *e)
{
	int proc_fd = g->s->host->proc_fd;

	g->user_ns_fd = ns_open(proc_fd, g->inner_pid, "user", e);
	g->mount_ns_fd = ns_open(proc_fd, g->inner_pid, "mnt", e);
	g->own_mount_ns_fd = ns_open(proc_fd, 0, "mnt", e);
	return g->user_ns_fd < 0 || g->mount_ns_fd < 0 || g->own_mount_ns_fd < 0 ? -1 : 0;
}

static int send_sys(const struct staging *g, const struct mount_step *step, struct err *e)
{
	AUTO_FD int fd = mount_fd_clone(AT_FDCWD, "/sys", e);

	if (fd < 0 || mount_fd_private(fd, e) || mount_fd_set(fd, step->attrs, 0, 0, e))
		return -1;
	return send_fd(g->link_fd, STAGE_SYS, 0, fd, e);
}

static int send_volumes(const struct staging *g, int root_fd, struct err *e)
{
	const struct box_plan *plan = g->s->plan;
	const struct volume_place place = {
		.host = g->s->host, .root_fd = root_fd, .user_ns_fd = g->user_ns_fd,
		.uid_maps = &plan->spec->uid_maps, .gid_maps = &plan->spec->gid_maps,
		.state_fd = g->s->state_fd, .hostname = plan->spec->hostname,
	};

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_step *step = &plan->mounts.steps[i];

		if (step->op == MOUNT_APPLIANCE_SYS && send_sys(g, step, e))
			return -1;
		if (step->op != MOUNT_VOLUME)
			continue;
		AUTO_FD int fd = volume_open(&plan->volumes[step->volume], &place, step->attrs, e);

		if (fd < 0 || send_fd(g->link_fd, STAGE_VOLUME, step->volume, fd, e))
			return -1;
	}
	return 0;
}

static int send_mounts(const struct staging *g, struct err *e)
{
	struct overlay_parts parts = {
		.layers = g->s->layers,
		.container_fd = g->s->container_fd,
		.user_ns_fd = g->user_ns_fd,
		.mount_ns_fd = g->mount_ns_fd,
		.own_mount_ns_fd = g->own_mount_ns_fd,
	};
	const struct oci_spec *spec = g->s->plan->spec;
	AUTO_FD int root_fd = -1;

	if (!idmap_outside(&spec->uid_maps, 0, &parts.uid) ||
	    !idmap_outside(&spec->gid_maps, 0, &parts.gid))
		return err_set(e, "user 0 is not in the container's id range");
	root_fd = overlay_make(&parts, e);
	if (root_fd < 0)
		return err_add(e, "root file system");
	if (send_fd(g->link_fd, STAGE_ROOT, 0, root_fd, e) || send_volumes(g, root_fd, e))
		return -1;
	return send_fd(g->link_fd, STAGE_GO, 0, -1, e);
}

/* The end of the connection without a message is the exec. */
static int wait_for_exec(const struct staging *g, struct err *e)
{
	struct msg m;
	int got = msg_receive(g->link_fd, &m, e);

	if (got <= 0)
		return got;
	err_set(e, "%s",
		m.type == STAGE_FAILED ? msg_get_str(&m) : "an unknown message from inside");
	msg_finish(&m);
	return -1;
}

static int make_container(struct staging *g, struct err *e)
{
	const struct oci_spec *spec = g->s->plan->spec;

	if (start_inner(g, e) ||
	    idmap_write(g->s->host->proc_fd, g->inner_pid, &spec->uid_maps, &spec->gid_maps, e) ||
	    set_limits(g, e) || open_namespaces(g, e) || send_mounts(g, e))
		return -1;
	return wait_for_exec(g, e);
}

static int save_state(const struct staging *g, struct err *e)
{
	const struct box_plan *plan = g->s->plan;
	struct box_run run = {
		.id_base = plan->spec->uid_maps.items[0].host_id,
		.pid = g->inner_pid,
		.monitor_pid = getpid(),
	};

	str_copy(run.image, sizeof(run.image), plan->image);
	if (proc_start_time(run.pid, &run.pid_start, e) ||
	    proc_start_time(run.monitor_pid, &run.monitor_start, e))
		return -1;
	return state_save_run(g->s->state_fd, &run, e);
}

/* Every fd to its place for boxmon (monitor.h), in two steps, so that none is overwritten on its
 * way. */
static int place_fds(const struct staging *g, int events_fd, struct err *e)
{
	const int fds[] = {
		[MONITOR_STDOUT_FD - 3] = g->stdout_fd, [MONITOR_STDERR_FD - 3] = g->stderr_fd,
		[MONITOR_STATE_FD - 3] = g->s->state_fd, [MONITOR_LOG_FD - 3] = g->s->container_fd,
		[MONITOR_EVENTS_FD - 3] = events_fd, [MONITOR_OUTPUT_FD - 3] = g->s->output_fd,
	};
	enum { COUNT = sizeof(fds) / sizeof(fds[0]), HIGH = 512 };
	int high[COUNT];

	for (int i = 0; i < COUNT; i++)
		high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH);
	syscall(SYS_close_range, 3, HIGH - 1, 0);
	for (int i = 0; i < COUNT; i++)
		if (high[i] >= 0 && dup2(high[i], 3 + i) < 0)
			return err_sys(e, "place fd %d", 3 + i);
	syscall(SYS_close_range, HIGH, ~0u, 0);
	return 0;
}

static void become_monitor(const struct staging *g)
{
	char pid[16], log_bytes[24];
	char name[80], program[] = "boxmon";
	char *argv[] = { program, name, pid, log_bytes, NULL }, *envp[] = { NULL };
	struct err e;

	str_copy(name, sizeof(name), g->s->plan->name);
	snprintf(pid, sizeof(pid), "%d", (int)g->inner_pid);
	snprintf(log_bytes, sizeof(log_bytes), "%llu", (unsigned long long)g->s->plan->log_bytes);
	if (place_fds(g, g->s->cgroup_fd < 0 ? -1 : cgroup_open_events(g->s->cgroup_fd), &e) == 0) {
		execve(BOX_MONITOR, argv, envp);
		err_sys(&e, "run %s", BOX_MONITOR);
	}
	log_err("box %s: %s", name, e.text);
}

static void report_failure(int report_fd, const struct err *why)
{
	struct msg m;

	msg_init(&m, STAGE_FAILED);
	msg_put_str(&m, why->text);
	msg_send(report_fd, &m, NULL);
}

static int report_success(const struct staging *g, int report_fd, struct err *e)
{
	struct msg m;

	msg_init(&m, STAGE_STARTED);
	msg_put_u64(&m, (uint64_t)g->inner_pid);
	msg_put_fd(&m, g->inner_pidfd);
	return msg_send(report_fd, &m, e);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) run_stage(const struct stage *s, int report_fd)
{
	struct staging g = {
		.s = s,
		.inner_pid = -1,
		.inner_pidfd = -1,
		.link_fd = -1,
		.user_ns_fd = -1,
		.mount_ns_fd = -1,
		.own_mount_ns_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
	};
	struct err e;

	reset_signals();
	setsid();
	if (make_container(&g, &e) == 0 && save_state(&g, &e) == 0 &&
	    report_success(&g, report_fd, &e) == 0) {
		fs_write_control_at(s->host->proc_fd, "self/oom_score_adj", MONITOR_OOM_SCORE,
				    NULL);
		become_monitor(&g);
	} else {
		report_failure(report_fd, &e);
	}
	if (g.inner_pid > 0) {
		kill(g.inner_pid, SIGKILL);
		waitpid(g.inner_pid, NULL, 0);
	}
	_exit(1);
}

int stage_start(const struct stage *s, pid_t *pid, int *report_fd, struct err *e)
{
	int pair[2], pidfd;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a connection");
	*report_fd = pair[0];
	AUTO_FD int stage_end_fd = pair[1];

	/* When the stage dies, inner may hold the other end a little longer: never waited for. */
	if (fd_set_nonblock(*report_fd, e)) {
		fd_close(report_fd);
		return -1;
	}
	*pid = fork();
	if (*pid == 0) {
		close(pair[0]);
		run_stage(s, stage_end_fd);
	}
	if (*pid < 0) {
		err_sys(e, "fork");
		fd_close(report_fd);
		return -1;
	}
	pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (pidfd < 0) {
		err_sys(e, "pidfd_open");
		kill(*pid, SIGKILL);
		fd_close(report_fd);
	}
	return pidfd;
}
