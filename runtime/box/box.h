/* box.h - one box of the service, as verbs*.c share it. Not for others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "box/state.h"
#include "lib/loop.h"

struct box_host;
struct err;

enum box_status { BOX_STARTING, BOX_RUNNING, BOX_EXITED, BOX_STATUSES };

struct box {
	struct box *next;
	struct boxes *boxes;
	char name[65];
	enum box_status status;
	struct box_run run;
	struct box_exit exit;
	bool held;	/* starting, and waits for its release */
	bool deleting; /* delete was asked for: answered when it has ended */
	int state_fd;				/* /run/box/NAME */
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
struct box *box_add(struct boxes *b, const char *name, struct err *e);
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

/* verb_start.c */
int verb_start(struct boxes *b, struct msg *m, struct err *e);
/* Reads what the stage reported and answers BOX_START or BOX_RELEASE; held, it is starting still.
 * False: it failed, and the box may be gone. */
bool box_finish_start(struct box *box);

/* box_life.c: watching what runs, and clearing away what has ended */
int box_watch_monitor(struct box *box, int pidfd, struct err *e);
void box_watch_events(struct box *box);
void box_unwatch(struct box *box);
int box_signal(struct box *box, int signal, struct err *e);
void box_begin(struct box *box, uint32_t id_base, const char *image);
void box_start_failed(struct box *box);
void box_remove(struct box *box);
int boxes_take_over(struct boxes *b, struct err *e);
