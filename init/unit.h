/* unit.h - one supervised program: its file, its process, its log, its place in the state table.
 *
 * Events come from four sides: the pidfd (it ended), the notify FIFO (it is ready, it asks for
 * power off), the timer, and supervisor.c (start, stop, restart). Each goes through unit_event, the
 * one place where the state changes and the table's action is done. Whoever cares about others'
 * states is told by host->on_change.
 *
 * svd may be killed at any moment: NAME.state says what runs, and the next svd adopts it by pidfd.
 * Of an adopted unit the exit status stays unknown: it is init's child by then. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "init/capture.h"
#include "init/notify.h"
#include "init/record.h"
#include "init/unit_file.h"
#include "init/unit_fsm.h"
#include "lib/err.h"
#include "lib/loop.h"

enum {
	UNIT_NAME_MAX = 32,
	UNIT_EXIT_MAX = 32,
	UNIT_READY_LATE_MS = 30000,	/* then the log says that it is still not ready */
};

struct unit;

/* What all units share; owned by supervisor.c. */
struct unit_host {
	struct loop *loop;
	int run_dir_fd, log_dir_fd;
	int console_fd;
	void (*on_change)(struct unit_host *host);
	void (*on_poweroff)(struct unit_host *host, struct unit *u);
};

struct unit {
	struct unit_host *host;
	char name[UNIT_NAME_MAX];
	bool broken;			/* its file is wrong: it never starts */
	char why[ERR_TEXT_MAX];		/* why it is broken or does not start, else "" */
	struct unit_file file;
	struct record record;
	char last_exit[UNIT_EXIT_MAX];
	uint64_t wait_ms;		/* last back-off */
	bool machine_stops;		/* STOP uses shutdown-signal */
	bool babbles;			/* this process told something unknown: said once */
	int sockets[UNIT_PASSED_MAX];	/* listening, by place in file.passed; -1 = not bound yet */
	struct capture capture;
	struct notify notify;
	struct loop_source pid_source;
	struct loop_timer timer;
};

/* Never fails: what is wrong makes the unit broken. text is the unit file's. */
struct unit *unit_create(struct unit_host *host, const char *name, const char *text);
void unit_destroy(struct unit *u);		/* keeps its process running */

/* From outside (supervisor.c): the file is fine, but not in this company (cycle, unknown name). */
void unit_break(struct unit *u, const char *why);

/* Opens FIFOs and log, and takes over what an earlier svd left running. */
void unit_open(struct unit *u);

void unit_event(struct unit *u, enum unit_event event);

/* At the end of all patience. */
void unit_kill(struct unit *u);
