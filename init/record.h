/* record.h - what a restarted svd must know of a unit: NAME.state in the run directory, one line.
 *
 * Written before the unit's program runs, so a svd that is killed at any moment leaves no process
 * that its successor does not know. Pid and start time together name one process for good. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/unit_fsm.h"

struct err;

struct record {
	enum unit_state state;
	pid_t pid;			/* 0 = none */
	uint64_t start_ticks;
	uint64_t since_ns;		/* of the process's start, boot clock */
	uint64_t restarts;
	bool announced;			/* its first readiness is in the boot record */
};

enum { RECORD_BYTES_MAX = 160 };

/* Pure. */
void record_format(const struct record *r, char text[RECORD_BYTES_MAX]);
int record_parse(const char *text, struct record *r, struct err *e);

int record_save(const struct record *r, int dir_fd, const char *unit, struct err *e);
/* e->number is ENOENT when there is none. */
int record_load(struct record *r, int dir_fd, const char *unit, struct err *e);
