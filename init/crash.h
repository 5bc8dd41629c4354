/* crash.h - PID 1 outlives its own faults.
 *
 * When PID 1 dies the kernel panics. A fault (SIGSEGV and its kin) therefore ends in a fresh image
 * of the same program in the same process: `init --again PID PID` takes its children over by the
 * pids in the arguments. */
#pragma once

#include <sys/types.h>

enum { CRASH_CHILDREN = 2 };

/* Installs the handlers. children[] is read when the fault happens and must stay valid. */
void crash_guard(const char *path, pid_t *const children[CRASH_CHILDREN]);
