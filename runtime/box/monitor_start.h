/* monitor_start.h - the step from a stage to boxmon: every fd to its place, then exec (monitor.h).
 *
 * The calling process keeps its pid and its child: the container's first process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "box/monitor.h"

struct err;

struct monitor_start {
	const char *program;		/* path of boxmon */
	const char *name;		/* the box's, for messages */
	pid_t pid;			/* the container's first process */
	uint64_t log_bytes;
	bool terminal, input_once;
	/* -1 = none; each goes to its MONITOR_*_FD. */
	int stdout_fd, stderr_fd, state_fd, log_fd, events_fd, output_fd, control_fd, input_fd;
	int client_fds[MONITOR_CLIENTS_MAX];
	unsigned client_streams[MONITOR_CLIENTS_MAX];	/* ATTACH_*, 0 = not there */
};

/* Returns only when it fails; the process's fds are not what they were then. */
int monitor_start(const struct monitor_start *m, struct err *e);
