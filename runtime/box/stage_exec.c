/* stage_exec.c - see stage_exec.h */
#include "box/stage_exec.h"

#include <unistd.h>

#include "box/enter.h"
#include "box/host.h"
#include "box/monitor_control.h"
#include "box/monitor_start.h"
#include "box/stage_report.h"
#include "box/stage_stdio.h"
#include "box/state.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/str.h"
#include "oci/spec.h"

struct staging {
	const struct stage_exec *s;
	struct stage_result r;
	struct stage_stdio io;
	int control_fd;			/* monitor_control.h */
};

static int enter(struct staging *g, struct err *e)
{
	const struct stage_exec *s = g->s;
	const int *inner = g->io.inner_fds;
	struct oci_process process = *s->process;
	int failed;

	/* The service protects itself; that is not inherited. */
	if (!process.has_oom_score_adj) {
		process.has_oom_score_adj = true;
		process.oom_score_adj = s->spec->process.oom_score_adj;
	}
	g->control_fd = monitor_control_bind(s->state_fd, e);
	if (g->control_fd < 0 ||
	    stage_stdio_make(&g->io, s->spec, &process, s->stdio->input, e))
		return -1;
	const struct enter_job job = {
		.pid = s->pid,
		.pidfd = s->pidfd,
		.spec = s->spec,
		.process = &process,
		.cgroup_fd = s->cgroup_fd,
		.seccomp_fd = s->seccomp_fd,
		.stdio_fds = { inner[0], inner[1], inner[2] },
		.console_fd = -1,
		.tied = true,
	};

	failed = enter_run(&job, &g->r, e);
	stage_stdio_close_inner(&g->io);
	return failed;
}

static int save_state(const struct staging *g, struct err *e)
{
	struct box_run run = { .pid = g->r.pid, .monitor_pid = getpid() };

	str_copy(run.image, sizeof(run.image), g->s->image);
	if (proc_start_time(run.pid, &run.pid_start, e) ||
	    proc_start_time(run.monitor_pid, &run.monitor_start, e))
		return -1;
	return state_save_run(g->s->state_fd, &run, e);
}

static void become_monitor(const struct staging *g)
{
	struct monitor_start m = {
		.program = BOX_MONITOR,
		.name = g->s->name,
		.pid = g->r.pid,
		.state_fd = g->s->state_fd,
		.log_fd = -1,
		.events_fd = -1,
		.control_fd = g->control_fd,
	};
	struct err e;

	stage_stdio_hand_over(&g->io, g->s->stdio, g->r.console_fd, &m);
	monitor_start(&m, &e);
	log_err("box %s: %s", m.name, e.text);
}

static void run_stage(const void *stage, int report_fd)
{
	struct staging g = {
		.s = stage,
		.r = { .pid = -1, .pidfd = -1, .console_fd = -1, .link_fd = -1 },
		.control_fd = -1,
	};
	struct err e;

	stage_stdio_init(&g.io);
	if (enter(&g, &e) == 0 && save_state(&g, &e) == 0 &&
	    stage_report_started(report_fd, g.r.pid, g.r.pidfd, &e) == 0)
		become_monitor(&g);
	else
		stage_report_failed(report_fd, &e);
	stage_abandon(&g.r);
}

int stage_exec_start(const struct stage_exec *s, pid_t *pid, int *report_fd, struct err *e)
{
	return stage_report_fork(run_stage, s, pid, report_fd, e);
}
