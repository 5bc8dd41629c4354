/* stage_exec.h - the service's start of one more program in a running container (enter.h): a stage
 * of its own, which then becomes the program's boxmon as with a container (stage_service.h). So
 * neither boxd nor engined is needed for its streams and its exit status. It has no log. */
#pragma once

#include <sys/types.h>

struct box_stdio;
struct err;
struct oci_process;
struct oci_spec;

struct stage_exec {
	const char *name;		/* BOX/EXEC */
	const char *image;		/* the container's, for the record */
	pid_t pid;			/* the container's first process */
	int pidfd;
	const struct oci_spec *spec;	/* the container's */
	const struct oci_process *process;
	int state_fd;			/* /run/box/BOX/exec/EXEC */
	int cgroup_fd;			/* the container's, -1 = none */
	int seccomp_fd;			/* compiled profile */
	const struct box_stdio *stdio;
};

/* Forks the stage. Returns its pidfd; *report_fd tells how it went (stage_report.h). */
int stage_exec_start(const struct stage_exec *s, pid_t *pid, int *report_fd, struct err *e);
