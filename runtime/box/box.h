/* box.h - one box of the service, as verbs*.c share it. Not for others.
 *
 * An exec is a box inside of another: with a name, a monitor, a state folder and an end of its own,
 * without layers and cgroup. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "box/state.h"
#include "lib/loop.h"

struct box_host;
struct err;

enum { BOX_NAME_BYTES = 130 };	/* two names and a slash */

enum box_status { BOX_STARTING, BOX_RUNNING, BOX_EXITED, BOX_STATUSES };

struct box {
	struct box *next;
	struct boxes *boxes;
	struct box *of;				/* of an exec: the box that it is in */
	char name[BOX_NAME_BYTES];		/* an exec's: BOX/EXEC */
	enum box_status status;
	struct box_run run;
	struct box_exit exit;
	bool held;	/* starting, and waits for its release */
	int pending_signal;	/* asked for while it starts: answered after the start; 0 = none */
	bool deleting; /* delete was asked for: answered when it has ended */
	int state_fd;				/* /run/box/BOX, /run/box/BOX/exec/EXEC */
	int execs_fd;				/* /run/box/BOX/exec, -1 = never needed */
	int pidfd;				/* the container's first process, -1 = none */
	struct loop_source monitor;		/* pidfd of the stage, later boxmon */
	struct loop_source report;		/* what the stage says */
	struct loop_source events;		/* memory.events */
	uint64_t limit_bytes;
};

struct boxes {
	struct loop *loop;
	const struct box_host *host;
	struct seccomp_cache *seccomp;
	struct box *first;
	int peer_fd;
};

/* verbs.c */
struct msg;
void boxes_tell(struct boxes *b, struct msg *m);	/* the peer, if there is one */
struct box *box_find(struct boxes *b, const char *name);
struct box *box_find_running(struct boxes *b, const char *name, struct err *e);
/* With its folder. of: the box of an exec, or NULL. */
struct box *box_add(struct boxes *b, struct box *of, const char *name, struct err *e);
void box_answer_started(struct box *box);
void box_answer_done(struct boxes *b, const char *name);
void box_answer_failed(struct boxes *b, const char *name, const char *sentence);
void box_tell_exited(struct box *box);
void box_tell_oom(struct box *box);
void box_forget(struct box *box);

/* box_network.c: what others do with its network namespace */
void box_answer_held(struct box *box, int net_ns_fd);
int box_release(struct box *box, struct err *e);
void box_call_off(struct box *box);	/* a held one; it may be gone then */
int box_open_network(struct box *box, struct err *e);	/* its fd; never the machine's own */

/* box_usage.c */
int box_say_usage(struct boxes *b, struct msg *m, struct err *e);

/* verb_exec.c */
int verb_exec(struct boxes *b, struct msg *m, struct err *e);

/* verb_start.c */
int verb_start(struct boxes *b, struct msg *m, struct err *e);
/* The fields of BOX_START and BOX_EXEC about streams; the first fd is *document_fd. */
struct box_stdio;
int box_read_stdio(struct msg *m, int *document_fd, struct box_stdio *io, struct err *e);
void box_close_stdio(struct box_stdio *io);
/* The compiled profile: the cache's, or the caller's to close (*own). */
struct oci_spec;
int box_open_seccomp(struct boxes *b, const struct oci_spec *spec, bool *own, struct err *e);
/* The stage is forked: its report (box->report.fd) and its end are awaited. */
int box_await_start(struct box *box, int monitor_fd, struct err *e);
/* Reads what the stage reported and answers BOX_START, BOX_RELEASE or BOX_EXEC; held, it is
 * starting still. False: it failed, and the box may be gone. */
bool box_finish_start(struct box *box);

/* box_life.c: watching what runs, and clearing away what has ended */
int box_watch_monitor(struct box *box, int pidfd, struct err *e);
void box_watch_events(struct box *box);
void box_unwatch(struct box *box);
int box_signal(struct box *box, int signal, struct err *e);
void box_begin(struct box *box, uint32_t id_base, const char *image);
void box_end_execs(struct box *box);	/* and forgets them */
void box_start_failed(struct box *box);
void box_remove(struct box *box);
int boxes_take_over(struct boxes *b, struct err *e);
