/* proc.h - a program's place among processes: what its supervisor passed to it; who a pid is.
 *
 * The supervisor passes fds from 3 on and names them in CUVETTE_FDS=notify:boxd.sock:config, in
 * order. The fd `notify` carries lines to it: `ready`, `poweroff`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* The fd passed under this name, now O_CLOEXEC; -1 when there is none (an optional file). */
int proc_passed_fd(const char *name);

/* Tells the supervisor that requests are served from now on. Without a notify fd: nothing. */
void proc_tell_ready(void);
/* Asks the supervisor to stop the machine; it does so only for a unit whose file says
 * `may poweroff`. */
void proc_ask_poweroff(void);

struct proc_stat {
	char state;		/* 'Z' and 'X': it has ended */
	bool has_execed;	/* it runs a program of its own, not its parent's */
	pid_t parent;
	uint64_t start;		/* in clock ticks since boot: with the pid it names one process */
};
/* From /proc/PID/stat (proc(5)). */
int proc_stat(pid_t pid, struct proc_stat *s, struct err *e);

/* What names the process of a pidfd for good, by the kernel's file system of them; false before
 * Linux 6.9, which has none. */
bool proc_pidfd_inode(int pidfd, uint64_t *inode);

/* proc_stat.start alone. */
int proc_start_time(pid_t pid, uint64_t *ticks, struct err *e);
