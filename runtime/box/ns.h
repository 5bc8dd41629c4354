/* ns.h - new namespaces: clone3 into them and into a cgroup at once, and fds of a process's own. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

/* As fork: 0 in the child, its pid in the parent with *pidfd set, -1 = error. cgroup_fd -1 = stay
 * here. For programs without threads only. */
pid_t ns_clone(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e);

/* name as in /proc/PID/ns: "user", "mnt". pid 0 = ourselves. */
int ns_open(int proc_fd, pid_t pid, const char *name, struct err *e);
