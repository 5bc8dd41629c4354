/* notify.h - seccomp filters that ask a supervisor: the listener's fd goes to listenerPath before
 * the program runs (runtime-spec 1.3, config-linux.md "The Container Process State").
 *
 * The filter may ask about every system call, also about those that pass an fd. So a process beside
 * us, without the filter and with our table of fds, is made first and sends it; we tell it by a
 * word in shared memory, which takes no system call. */
#pragma once

#include <sys/types.h>

struct err;
struct oci_process;
struct oci_seccomp;
struct oci_state;

/* Outside: to the listenerPath of a profile that asks a supervisor; *fd stays -1 for others. */
int notify_connect(const struct oci_seccomp *profile, int *fd, struct err *e);

/* Inside: process_confine, with a listener that goes to socket_fd when that is none of -1. state:
 * the container's; pid: ours, as the machine sees it. */
int notify_confine(const struct oci_process *p, const struct oci_seccomp *profile,
		   const struct oci_state *state, pid_t pid, int seccomp_fd, int socket_fd,
		   struct err *e);
