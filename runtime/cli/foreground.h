/* foreground.h - box stays in front of a process of its own: passes signals on, carries its
 * terminal, ends with its status. For run and exec without --detach. */
#pragma once

#include <sys/types.h>

struct err;

/* Before the process can have ended: from then on signals wait to be passed on, and do not end us.
 */
void foreground_begin(void);

/* console_fd: the master of its terminal, -1 = it has our standard streams itself. Returns the exit
 * status, 128 + signal for one that a signal ended, -1 on an error. The process is reaped then. */
int foreground_wait(pid_t pid, int pidfd, int console_fd, struct err *e);
