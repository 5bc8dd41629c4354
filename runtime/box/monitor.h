/* monitor.h - boxmon: the parent of one container's first process, for as long as that lives.
 *
 * Keeps its output (log.1, log: JSON lines like Docker's json-file driver, bounded), copies it to
 * the optional output fd and to the clients that are attached (attach.h), feeds its input, owns its
 * terminal, and leaves the exit status in /run/box/NAME/exit before anything else can go wrong.
 * Knows neither boxd nor engined and needs neither: both may die and come back.
 *
 *   container -- pipes or pty master --> monitor --> log
 *                                           |------> output fd
 *                                           `------> clients <-- control socket (monitor_control.h)
 *
 * Never blocks the container for good: what the log's disk or the output's reader does not take is
 * dropped. The output may stop the container for MONITOR_OUTPUT_WAIT_MS, and on and on for one
 * MONITOR_OUTPUT_SHAREth of the time; a client for ATTACH_STALL_MS in a row, not longer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* Where the stage puts boxmon's fds. Those that a container has no use for are closed. */
enum {
	MONITOR_STDOUT_FD = 3, /* read end; with a terminal its pty master */
	MONITOR_STDERR_FD,     /* read end; closed with a terminal */
	MONITOR_STATE_FD,      /* /run/box/NAME */
	MONITOR_LOG_FD,	       /* /data/box/containers/NAME; an exec has none, and no log */
	MONITOR_EVENTS_FD,     /* memory.events */
	MONITOR_OUTPUT_FD,     /* copy of both streams */
	MONITOR_CONTROL_FD,    /* monitor_control_bind */
	MONITOR_INPUT_FD,      /* write end of stdin; with a terminal the same pty master */
	MONITOR_CLIENT_FD, /* the first of MONITOR_CLIENTS_MAX that are attached from the start */
	MONITOR_CLIENTS_MAX = 4,
};

enum { MONITOR_OUTPUT_WAIT_MS = 2000, MONITOR_OUTPUT_SHARE = 30 };

struct monitor_config {
	pid_t pid;
	uint64_t log_bytes;
	bool terminal, input_once;
	unsigned clients[MONITOR_CLIENTS_MAX]; /* streams of each (ATTACH_*), 0 = not there */
};

/* Until the process has ended and its output is read. */
int monitor_run(const struct monitor_config *config, struct err *e);
