/* monitor.h - boxmon: the parent of one container's first process, for as long as that lives.
 *
 * Keeps its output (log.1, log: JSON lines like Docker's json-file driver, bounded), copies it to
 * the optional output fd, and leaves the exit status in /run/box/NAME/exit. Knows neither boxd nor
 * engined and needs neither: both may die and come back.
 *
 * Never blocks the container for good: what the log's disk or the output's reader does not take is
 * dropped. The output may stop the container for MONITOR_OUTPUT_WAIT_MS in a row, not longer. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

/* Where stage.c puts boxmon's fds. The last two may be closed. */
enum {
	MONITOR_STDOUT_FD = 3,
	MONITOR_STDERR_FD,
	MONITOR_STATE_FD,	/* /run/box/NAME */
	MONITOR_LOG_FD,		/* /data/box/containers/NAME */
	MONITOR_EVENTS_FD,	/* memory.events */
	MONITOR_OUTPUT_FD,	/* copy of both streams */
};

enum { MONITOR_OUTPUT_WAIT_MS = 2000 };

/* Until the process has ended and its output is read. */
int monitor_run(pid_t pid, uint64_t log_bytes, struct err *e);
