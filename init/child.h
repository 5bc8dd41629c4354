/* child.h - a program that PID 1 keeps running: svd, and the emergency shell when the command line
 * asks for it.
 *
 * Started again when it ends, with back-off; when fork(2) fails the same back-off tries again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	const char *name;
	const char *path;
	const char *const *argv;
	bool console;			/* gets /dev/console as its controlling terminal */
	bool wanted;
	pid_t pid;			/* 0 = does not run */
	uint64_t started_ms, wait_ms, due_ms;
};

/* Starts it when it is wanted, does not run and its time has come. */
void child_start(struct child *c, uint64_t now_ms);

/* To be called for every reaped pid; false when it is another's. */
bool child_reaped(struct child *c, pid_t pid, int status, uint64_t now_ms);

/* When child_start has something to do; UINT64_MAX = never. */
uint64_t child_due_ms(const struct child *c);
