/* stage_service.c - see stage_service.h */
#include "box/stage_service.h"

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
#include "box/stage_report.h"
#include "box/stage_stdio.h"
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

struct staging {
	const struct stage_service *s;
	struct stage_result r;
	struct stage_stdio io;
	int control_fd;			/* monitor_control.h */
	int network_fd;			/* the namespace, while it is held */
};

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
static int open_network(void *ctx, pid_t pid, pid_t pid_here, struct err *e)
{
	struct staging *g = ctx;

	(void)pid_here;
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
	const struct stage_root root = { .open = open_root, .ctx = (void *)s };
	const int *inner = g->io.inner_fds;
	int failed;

	g->control_fd = monitor_control_bind(s->state_fd, e);
	if (g->control_fd < 0 ||
	    stage_stdio_make(&g->io, s->plan->spec, &s->plan->spec->process, s->stdio->input, e))
		return -1;
	const struct stage_job job = {
		.plan = s->plan,
		.bundle_fd = -1,
		.cgroup_fd = s->cgroup_fd,
		.seccomp_fd = s->seccomp_fd,
		.stdio_fds = { inner[0], inner[1], inner[2] },
		.console_fd = -1,
		.gate_fd = -1,
		.tied = true,
		.on_pid = s->hold ? open_network : NULL,
		.ctx = g,
		.root = &root,
	};

	failed = stage_make(&job, &g->r, e);
	stage_stdio_close_inner(&g->io);
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
	if (fs_write_atomic_at(g->s->state_fd, "config.json", g->s->config, g->s->config_bytes,
			       0600, e))
		return -1;
	return state_save_run(g->s->state_fd, &run, e);
}

static void become_monitor(struct staging *g)
{
	const struct stage_service *s = g->s;
	struct monitor_start m = {
		.program = BOX_MONITOR,
		.name = s->plan->name,
		.pid = g->r.pid,
		.log_bytes = s->plan->log_bytes,
		.state_fd = s->state_fd,
		.log_fd = s->container_fd,
		.events_fd = s->cgroup_fd < 0 ? -1 : cgroup_open_events(s->cgroup_fd),
		.control_fd = g->control_fd,
	};
	struct err e;

	stage_stdio_hand_over(&g->io, s->stdio, g->r.console_fd, &m);
	monitor_start(&m, &e);
	log_err("box %s: %s", m.name, e.text);
}

static void run_stage(const void *stage, int report_fd)
{
	const struct stage_service *s = stage;
	struct staging g = {
		.s = s,
		.r = { .pid = -1, .pidfd = -1, .console_fd = -1, .link_fd = -1 },
		.control_fd = -1,
		.network_fd = -1,
	};
	struct err e;

	stage_stdio_init(&g.io);
	if (make_container(&g, &e) == 0 && (!s->hold || hold(&g, report_fd, &e) == 0) &&
	    stage_release(&g.r, &e) == 0 && save_state(&g, &e) == 0 &&
	    stage_report_started(report_fd, g.r.pid, g.r.pidfd, &e) == 0) {
		become_monitor(&g);
	} else {
		stage_report_failed(report_fd, &e);
	}
	stage_abandon(&g.r);
}

int stage_service_start(const struct stage_service *s, pid_t *pid, int *report_fd, struct err *e)
{
	return stage_report_fork(run_stage, s, pid, report_fd, e);
}
