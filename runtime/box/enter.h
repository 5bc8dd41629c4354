/* enter.h - one more program in a running container: `exec`.
 *
 * The new process is a child of the caller. It joins every namespace of the container's first
 * process at once, the user namespace first, is in the cgroup from its birth, cannot be traced or
 * read through /proc until its own exec (CVE-2016-9962), and starts with exactly its own
 * credentials (process.h). Its working directory is reached by fd inside the container's root
 * (CVE-2024-21626). */
#pragma once

#include <stdbool.h>

#include "box/stage.h"

struct err;
struct oci_process;
struct oci_spec;
struct oci_state;

/* Every fd is the caller's and -1 when there is none. */
struct enter_job {
	pid_t pid;			/* the container's first process */
	int pidfd;			/* the same one, for sure; -1 = opened by its pid */
	const struct oci_spec *spec;	/* the container's: namespaces, seccomp profile */
	const struct oci_state *state; /* the container's, for a seccomp supervisor; NULL = empty */
	const struct oci_process *process;	/* what runs: complete, env included */
	/* The container's own. One that it has split up (an init system does) takes no process any
	 * more (clone3: EBUSY): then to its first process, unless the cgroup is fixed. */
	int cgroup_fd;
	bool cgroup_is_fixed;
	int seccomp_fd;
	int stdio_fds[3];
	int console_fd;
	unsigned preserved_fds;
	bool tied;
	/* As in struct stage_job. */
	int (*on_pid)(void *ctx, pid_t pid, pid_t pid_here, struct err *e);
	void *ctx;
};

/* Returns when the program runs, or why it does not. The process is a child of the caller. */
int enter_run(const struct enter_job *job, struct stage_result *r, struct err *e);
