/* notify.h - seccomp filters that ask a supervisor: the listener's fd goes to listenerPath before
 * the program runs (runtime-spec 1.3, config-linux.md "The Container Process State").
 *
 * The filter may ask about every system call, also about those that pass an fd. So a process beside
 * us, without the filter and with our table of fds, is made first and sends it; we tell it by a
 * word in shared memory, which takes no system call. */
#pragma once

#include <sys/types.h>

struct err;
struct oci_spec;
struct oci_state;

/* process_confine with a listener. socket_fd: connected to listenerPath; pid: ours as the machine
 * sees it. */
int notify_confine(const struct oci_spec *spec, const struct oci_state *state, int seccomp_fd,
		   int socket_fd, struct err *e);
