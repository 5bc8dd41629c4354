/* state.h - what must be known of a box by whoever comes next: small text files in /run/box/NAME.
 *
 * `run` is written by the starting process before it reports success, `exit` by boxmon before it
 * ends. A folder without `run` is a start that was cut off. Lines `key value`, replaced whole. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "box/tail.h"

struct err;

struct box_run {
	char image[65];
	uint32_t id_base;
	pid_t pid, monitor_pid;		   /* of the container's first process, of its boxmon */
	uint64_t pid_start, monitor_start; /* proc_start_time: pids come back, these pairs do not */
	uint64_t oom_told;			/* OOM kills that engined has been told of */
};

struct box_exit {
	uint64_t status;			/* 128 + signal as shells do */
	uint64_t oom_kills;
	uint64_t log_lost_bytes;		/* could not be written: the disk was full */
	char said[TAIL_BYTES];			/* the last lines of its standard error */
};

int state_save_run(int dir_fd, const struct box_run *run, struct err *e);
int state_load_run(int dir_fd, struct box_run *run, struct err *e);
/* Keeps room for the record, so that a full file system loses no end. */
int state_reserve_exit(int dir_fd, struct err *e);
int state_save_exit(int dir_fd, const struct box_exit *exit, struct err *e);
int state_load_exit(int dir_fd, struct box_exit *exit, struct err *e);

/* Is this still the process that had the pid then? */
bool state_is_alive(pid_t pid, uint64_t start);
