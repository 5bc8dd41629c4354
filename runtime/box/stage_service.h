/* stage_service.h - the service's start of one container: a stage of its own for each.
 *
 *   boxd ── fork ──> stage (stage.h) ── clone3 ──> inner
 *     Once the program runs, the stage becomes boxmon by exec: it is the container's parent
 *     already, its memory goes back, and neither boxd's death nor a slow mount holds anyone up.
 *
 * How it went it tells over a connection of its own (stage_report.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct box_host;
struct box_plan;
struct box_stdio;
struct err;
struct layers;
struct names_text;

struct stage_service {
	const struct box_plan *plan;
	const struct box_host *host;
	const struct layers *layers;
	int state_fd;		/* /run/box/NAME */
	int container_fd;	/* /data/box/containers/NAME */
	int cgroup_fd;		/* -1 = none */
	int seccomp_fd;		/* compiled profile, -1 = none */
	const struct box_stdio *stdio;
	const struct names_text *names;
	bool hold;		/* with a network namespace of its own */
	const char *config;	/* the specification as it came: kept for execs */
	size_t config_bytes;
};

/* Forks the stage. Returns its pidfd; *report_fd tells how it went, then ends. */
int stage_service_start(const struct stage_service *s, pid_t *pid, int *report_fd, struct err *e);
