/* ns.c - see ns.h */
#include "box/ns.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"

pid_t ns_clone(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		return err_sys(e, "make the container's namespaces");
	return pid;
}

int ns_open(int proc_fd, pid_t pid, const char *name, struct err *e)
{
	char path[48];

	if (pid)
		snprintf(path, sizeof(path), "%d/ns/%s", (int)pid, name);
	else
		snprintf(path, sizeof(path), "self/ns/%s", name);
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open the %s namespace", name) : fd;
}
