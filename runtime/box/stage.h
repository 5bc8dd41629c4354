/* stage.h - the start of one container: the stage and the container's first process.
 *
 *   stage ── clone3 (namespaces, cgroup) ──> inner
 *     The stage is the calling process, with the machine's root: it joins namespaces, opens what is
 * bind-mounted, writes id maps and limits, runs the runtime's hooks. inner inherits a copy of its
 * fds; it mounts, enters its root, gives everything up, waits at the gate and execs the program.
 *
 * Between them: a SEQPACKET pair. inner sends READY, or one sentence when a step fails; its end
 * closes by exec when none did. When either side dies the other sees the end of the connection and
 * gives up: nothing is left half made.
 *
 * The gate: with a gate_fd (gate.h) inner waits there for whoever starts it, and the stage is done
 * with READY; without one it waits for stage_release. Who has nothing to do between the two says
 * at_once and spares both the messages. With `beside` too, a container for which nothing has to be
 * done from outside (no user namespace, nothing joined, no hooks) is made as vfork does it: inner
 * runs on the stage's memory while that waits for its exec. After the namespaces themselves a copy
 * of the stage is the dearest thing of all.
 *
 * Knows nothing of the container's folder, state files and exit status: they are the caller's. So
 * are the hooks poststart and poststop (hooks.h). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct box_plan;
struct err;

struct mount_sources;

/* Who makes a root that needs the container's namespaces. */
struct stage_root {
	/* Fills root_fd of the sources and those of their fds that are still -1. */
	int (*open)(void *ctx, int user_ns_fd, int mount_ns_fd, struct mount_sources *sources,
		    struct err *e);
	void *ctx;
};

/* Every fd is the caller's, O_CLOEXEC, and -1 when there is none. */
struct stage_job {
	const struct box_plan *plan;
	int bundle_fd;		/* the bundle's folder: root.path starts here, hooks run here */
	int cgroup_fd;		/* made, with its limits written */
	int seccomp_fd;		/* the compiled program (seccomp_store.h, seccomp.h) */
	int stdio_fds[3];	/* become 0, 1, 2; -1 = the container's /dev/null */
	int console_fd;		/* connected socket that gets the terminal's master (console.h) when
				 * process.terminal; -1 then: the master comes out in the result */
	int gate_fd;		/* gate_listen */
	unsigned preserved_fds;	/* 3 .. 2 + preserved_fds stay open in the program */
	bool tied;		/* the container dies with the calling process */
	bool keep_keyring;	/* the caller's session keyring is the container's too */
	bool at_once;		/* inner begins at stage_release, and then stops at no gate */
	bool beside;		/* with at_once: it may have begun, and be done, before that */
	/* Called with inner's pid before inner does anything, by itself when it runs beside:
	 * whoever is killed after it left a trace of inner. pid_here: as the caller's pid namespace
	 * has it. NULL = not wanted. */
	int (*on_pid)(void *ctx, pid_t pid, pid_t pid_here, struct err *e);
	void *ctx;
	const struct stage_root *root;	/* NULL = the bundle's */
};

struct stage_result {
	pid_t pid;		/* in the caller's pid namespace */
	int pidfd;
	int console_fd;		/* the terminal's master, -1 = none or sent elsewhere */
	int link_fd;		/* private: to inner, until its exec */
	bool at_once;		/* private */
};

/* Returns with inner READY at the gate, or at_once before it makes anything: nothing of the image
 * has run. When it
 * fails inner is dead and reaped; the caller removes cgroup and folder and runs poststop. */
int stage_make(const struct stage_job *job, struct stage_result *r, struct err *e);

/* Without a gate: lets inner exec. Returns when the program runs, or why it does not. */
int stage_release(struct stage_result *r, struct err *e);

/* Kills and reaps inner, when there is one, and closes the fds. */
void stage_abandon(struct stage_result *r);
/* Closes the fds; inner goes its way. */
void stage_finish(struct stage_result *r);
