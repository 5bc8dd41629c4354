/* stage_service.h - the start of one container: three processes, one order.
 *
 *   boxd ── fork ──> stage ── clone3 (namespaces, cgroup) ──> inner
 *     the stage makes what needs the machine's root (id maps, overlay, volumes, limits) and hands
 * the mounts over; inner mounts, enters its root, gives everything up and execs the image's
 * program. Then the stage itself becomes boxmon by exec: it is the container's parent already, its
 * memory goes back, and neither boxd's death nor a slow mount holds anyone else up.
 *
 * Between stage and inner: a SEQPACKET pair. The stage sends fds and GO; inner sends one sentence
 * when a step fails, and its end closes by exec when none did. The stage tells boxd in the same
 * way. When either side dies, the other sees the end of the connection and gives up: nothing is
 * left half made. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct box_host;
struct box_plan;
struct err;
struct layers;
struct mount_sources;

/* Messages of both connections (lib/msg.h). */
enum stage_message {
	STAGE_ROOT = 1,		/* fd: the container's root, detached */
	STAGE_VOLUME,		/* u64 index of mount_sources.fds; fd */
	STAGE_GO,		/* - */
	STAGE_FAILED,		/* str sentence */
	STAGE_STARTED,		/* u64 pid; fd: its pidfd */
};

struct stage {
	const struct box_plan *plan;
	const struct box_host *host;
	const struct layers *layers;
	int state_fd;		/* /run/box/NAME */
	int container_fd;	/* /data/box/containers/NAME */
	int cgroup_fd;		/* -1 = none */
	int seccomp_fd;		/* compiled profile, -1 = none */
	int output_fd;		/* gets a copy of stdout and stderr, -1 = none */
};

/* Forks the stage. Returns its pidfd; *report_fd tells STAGE_STARTED or STAGE_FAILED, then ends. */
int stage_start(const struct stage *s, pid_t *pid, int *report_fd, struct err *e);

/* The other side; never returns. stage_inner.c */
void stage_inner(const struct stage *s, struct mount_sources *sources, int link_fd, int stdout_fd,
		 int stderr_fd) __attribute__((noreturn));
