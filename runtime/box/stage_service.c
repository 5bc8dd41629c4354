/* stage_service.c - see stage_service.h */
#include "box/stage_service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/host.h"
#include "box/idmap.h"
#include "box/monitor_control.h"
#include "box/monitor_start.h"
#include "box/mount_source.h"
#include "box/ns.h"
#include "box/overlay.h"
#include "box/plan.h"
#include "box/stage.h"
#include "box/stage_link.h"
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
	const struct stage_service *s;
	struct stage_result r;
	int stdin_fd;			/* what the container's is written to */
	int stdout_fd, stderr_fd;	/* what the container's are read from */
	int control_fd;			/* monitor_control.h */
	int network_fd;			/* the namespace, while it is held */
};

/* A pipe whose inner end belongs to the container's user: /dev/stdout opened by name is checked
 * like any file. */
static int make_pipe(const struct oci_spec *spec, int *read_fd, int *write_fd, int *inner_fd,
		     struct err *e)
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
	return fchown(*inner_fd, uid, gid) < 0 ? err_sys(e, "give a pipe to user %u", uid) : 0;
}

/* With a terminal the pty is all three. */
static int make_pipes(struct staging *g, int inner_fds[3], struct err *e)
{
	const struct stage_service *s = g->s;
	const struct oci_spec *spec = s->plan->spec;

	if (spec->process.terminal)
		return 0;
	if (s->stdio->input != BOX_INPUT_NONE &&
	    make_pipe(spec, &inner_fds[0], &g->stdin_fd, &inner_fds[0], e))
		return -1;
	return make_pipe(spec, &g->stdout_fd, &inner_fds[1], &inner_fds[1], e) ||
			       make_pipe(spec, &g->stderr_fd, &inner_fds[2], &inner_fds[2], e)
		       ? -1
		       : 0;
}

static int open_volumes(const struct stage_service *s, int user_ns_fd,
			struct mount_sources *sources, struct err *e)
{
	const struct box_plan *plan = s->plan;
	const struct volume_place place = {
		.host = s->host, .root_fd = sources->root_fd, .user_ns_fd = user_ns_fd,
		.uid_maps = &plan->spec->uid_maps, .gid_maps = &plan->spec->gid_maps,
		.state_fd = s->state_fd, .names = s->names,
	};

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_step *step = &plan->mounts.steps[i];

		if (step->op != MOUNT_VOLUME)
			continue;
		sources->fds[step->source] =
			volume_open(&plan->volumes[step->volume], &place, step->options.set, e);
		if (sources->fds[step->source] < 0)
			return -1;
	}
	return 0;
}

/* The overlay wants the container's namespaces (overlay.h), an empty volume wants the overlay. */
static int open_root(void *ctx, int user_ns_fd, int mount_ns_fd, struct mount_sources *sources,
		     struct err *e)
{
	const struct stage_service *s = ctx;
	const struct oci_spec *spec = s->plan->spec;
	AUTO_FD int own_mount_ns_fd = ns_open(s->host->proc_fd, 0, "mnt", e);
	struct overlay_parts parts = {
		.layers = s->layers,
		.container_fd = s->container_fd,
		.user_ns_fd = user_ns_fd,
		.mount_ns_fd = mount_ns_fd,
		.own_mount_ns_fd = own_mount_ns_fd,
	};

	if (own_mount_ns_fd < 0)
		return -1;
	if (!idmap_outside(&spec->uid_maps, 0, &parts.uid) ||
	    !idmap_outside(&spec->gid_maps, 0, &parts.gid))
		return err_set(e, "user 0 is not in the container's id range");
	sources->root_fd = overlay_make(&parts, e);
	if (sources->root_fd < 0)
		return err_add(e, "root file system");
	return open_volumes(s, user_ns_fd, sources, e);
}

/* Now or never: on its way to the program it is non-dumpable (CVE-2016-9962). */
static int open_network(void *ctx, pid_t pid, struct err *e)
{
	struct staging *g = ctx;

	g->network_fd = ns_open(g->s->host->proc_fd, pid, "net", e);
	return g->network_fd < 0 ? -1 : 0;
}

static int hold(struct staging *g, int report_fd, struct err *e)
{
	struct msg *m = stage_link_message();
	int got;

	msg_init(m, STAGE_REPORT_HELD);
	msg_put_u64(m, (uint64_t)g->r.pid);
	msg_put_fd(m, g->network_fd);
	if (msg_send(report_fd, m, e))
		return -1;
	fd_close(&g->network_fd);
	got = msg_receive(report_fd, m, e);
	if (got <= 0)
		return got < 0 ? -1 : err_set(e, "the start was called off");
	msg_finish(m);
	return m->type == STAGE_REPORT_RELEASE ? 0 : err_set(e, "an unknown word of boxd");
}

static int make_container(struct staging *g, struct err *e)
{
	const struct stage_service *s = g->s;
	int inner_fds[3] = { -1, -1, -1 }, failed;
	const struct stage_root root = { .open = open_root, .ctx = (void *)s };

	g->control_fd = monitor_control_bind(s->state_fd, e);
	if (g->control_fd < 0 || make_pipes(g, inner_fds, e))
		return -1;
	const struct stage_job job = {
		.plan = s->plan,
		.bundle_fd = -1,
		.cgroup_fd = s->cgroup_fd,
		.seccomp_fd = s->seccomp_fd,
		.stdio_fds = { inner_fds[0], inner_fds[1], inner_fds[2] },
		.console_fd = -1,
		.gate_fd = -1,
		.tied = true,
		.on_pid = s->hold ? open_network : NULL,
		.ctx = g,
		.root = &root,
	};

	failed = stage_make(&job, &g->r, e);
	/* Only the container holds its ends: what is read ends with it. */
	for (int i = 0; i < 3; i++)
		fd_close(&inner_fds[i]);
	return failed;
}

static int save_state(const struct staging *g, struct err *e)
{
	const struct box_plan *plan = g->s->plan;
	struct box_run run = {
		.id_base = plan->spec->uid_maps.items[0].host_id,
		.pid = g->r.pid,
		.monitor_pid = getpid(),
	};

	str_copy(run.image, sizeof(run.image), plan->image);
	if (proc_start_time(run.pid, &run.pid_start, e) ||
	    proc_start_time(run.monitor_pid, &run.monitor_start, e))
		return -1;
	return state_save_run(g->s->state_fd, &run, e);
}

static void become_monitor(struct staging *g)
{
	const struct stage_service *s = g->s;
	const bool terminal = s->plan->spec->process.terminal;
	struct monitor_start m = {
		.program = BOX_MONITOR,
		.name = s->plan->name,
		.pid = g->r.pid,
		.log_bytes = s->plan->log_bytes,
		.terminal = terminal,
		.input_once = s->stdio->input == BOX_INPUT_ONCE,
		.stdout_fd = terminal ? g->r.console_fd : g->stdout_fd,
		.stderr_fd = g->stderr_fd,
		.state_fd = s->state_fd,
		.log_fd = s->container_fd,
		.events_fd = s->cgroup_fd < 0 ? -1 : cgroup_open_events(s->cgroup_fd),
		.output_fd = s->stdio->output_fd,
		.control_fd = g->control_fd,
		.input_fd = terminal ? g->r.console_fd : g->stdin_fd,
	};
	struct err e;

	for (size_t i = 0; i < s->stdio->client_count; i++) {
		m.client_fds[i] = s->stdio->clients[i].fd;
		m.client_streams[i] = s->stdio->clients[i].streams;
	}
	monitor_start(&m, &e);
	log_err("box %s: %s", m.name, e.text);
}

static void report_failure(int report_fd, const struct err *why)
{
	struct msg m;

	msg_init(&m, STAGE_REPORT_FAILED);
	msg_put_str(&m, why->text);
	msg_send(report_fd, &m, NULL);
}

static int report_success(const struct staging *g, int report_fd, struct err *e)
{
	struct msg m;

	msg_init(&m, STAGE_REPORT_STARTED);
	msg_put_u64(&m, (uint64_t)g->r.pid);
	msg_put_fd(&m, g->r.pidfd);
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

static void __attribute__((noreturn)) run_stage(const struct stage_service *s, int report_fd)
{
	struct staging g = {
		.s = s,
		.r = { .pid = -1, .pidfd = -1, .console_fd = -1, .link_fd = -1 },
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.control_fd = -1,
		.network_fd = -1,
	};
	struct err e;

	reset_signals();
	setsid();
	if (make_container(&g, &e) == 0 && (!s->hold || hold(&g, report_fd, &e) == 0) &&
	    stage_release(&g.r, &e) == 0 && save_state(&g, &e) == 0 &&
	    report_success(&g, report_fd, &e) == 0) {
		fs_write_control_at(s->host->proc_fd, "self/oom_score_adj", MONITOR_OOM_SCORE,
				    NULL);
		become_monitor(&g);
	} else {
		report_failure(report_fd, &e);
	}
	stage_abandon(&g.r);
	_exit(1);
}

int stage_service_start(const struct stage_service *s, pid_t *pid, int *report_fd, struct err *e)
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
