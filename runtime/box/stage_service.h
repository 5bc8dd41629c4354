/* stage_service.h - the service's start of one container: a stage of its own for each.
 *
 *   boxd ── fork ──> stage (stage.h) ── clone3 ──> inner
 *     Once the program runs, the stage becomes boxmon by exec: it is the container's parent
 * already, its memory goes back, and neither boxd's death nor a slow mount holds anyone else up.
 *
 * Over one SEQPACKET connection the stage tells boxd how it went; when it dies, boxd sees its
 * end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "box/monitor.h"

struct box_host;
struct box_plan;
struct err;
struct layers;
struct names_text;

/* Messages of that connection (lib/msg.h). */
enum stage_report {
	STAGE_REPORT_STARTED = 1,	/* u64 pid; fd: its pidfd */
	STAGE_REPORT_FAILED,		/* str sentence */
	STAGE_REPORT_HELD, /* u64 pid; fd: its network namespace. It goes on after RELEASE */
	STAGE_REPORT_RELEASE,		/* -: from boxd; the end of the connection ends the start */
};

/* Where the container's input comes from, and who hears its output from the start. */
enum box_input { BOX_INPUT_NONE, BOX_INPUT_OPEN, BOX_INPUT_ONCE };

struct box_stdio {
	enum box_input input;		/* once: the end of a client's sending closes it */
	int output_fd;			/* gets a copy of stdout and stderr, -1 = none */
	struct {
		int fd;
		unsigned streams;	/* ATTACH_* */
	} clients[MONITOR_CLIENTS_MAX];
	size_t client_count;
};

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
};

/* Forks the stage. Returns its pidfd; *report_fd tells how it went, then ends. */
int stage_service_start(const struct stage_service *s, pid_t *pid, int *report_fd, struct err *e);
