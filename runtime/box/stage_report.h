/* stage_report.h - a stage of the service: a child of boxd that makes one process, and the
 * SEQPACKET connection (lib/msg.h) over which it says how that went. When it dies, boxd sees its
 * end. */
#pragma once

#include <sys/types.h>

struct err;

enum stage_report {
	STAGE_REPORT_STARTED = 1,	/* u64 pid; fd: its pidfd */
	STAGE_REPORT_FAILED,		/* str sentence */
	STAGE_REPORT_HELD, /* u64 pid; fd: its network namespace. It goes on after RELEASE */
	STAGE_REPORT_RELEASE,		/* -: from boxd; the end of the connection ends the start */
};

/* Forks: `run` gets default signals, a session of its own and the connection's other end, and does
 * not return. Returns the child's pidfd. */
int stage_report_fork(void (*run)(const void *stage, int report_fd), const void *stage, pid_t *pid,
		      int *report_fd, struct err *e);

int stage_report_started(int report_fd, pid_t pid, int pidfd, struct err *e);
void stage_report_failed(int report_fd, const struct err *why);
