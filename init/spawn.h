/* spawn.h - a unit's process: made, held at a gate until its record is on disk, then let go.
 *
 * Behind the gate the child takes its log, its fds and its rights, and becomes the program.
 * lib/proc.h starts children of daemons; only svd needs users, capabilities and the gate. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "init/unit_file.h"

struct err;

struct spawn_spec {
	const struct unit_file *file;
	int run_dir_fd;
	const char *log_fifo;		/* names in run_dir_fd */
	const char *notify_fifo;	/* NULL = the unit gets none */
	const char *fd_names;		/* CUVETTE_FDS, notify first */
	const int *fds;			/* become 3, 4, ... behind notify */
	int fd_count;
	uid_t uid;
	gid_t gid;
};

struct spawn {
	pid_t pid;
	int pid_fd;
	int gate_fd;
	uint64_t start_ticks;
};

int spawn_begin(struct spawn *s, const struct spawn_spec *spec, struct err *e);

/* Opens the gate and waits until the program runs; an error says why it does not. gate_fd is
 * closed, pid_fd stays the caller's. When svd dies before this, the child ends by itself. */
int spawn_release(struct spawn *s, struct err *e);
