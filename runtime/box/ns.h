/* ns.h - namespaces: new ones and a cgroup at once (clone3), joined ones by path, the whole set of
 * a running container, fds of a process's own.
 *
 * Whoever joins does it in a process of its own that lives for a few system calls (vfork) and makes
 * the new process as its sibling (CLONE_PARENT): the caller itself never leaves its namespaces, and
 * what is new belongs to the user namespace that was joined last. The caller should be non-dumpable
 * by then (PR_SET_DUMPABLE): the joining process shares its memory. Programs without threads only.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "oci/spec_types.h"

struct cpu_list;
struct err;
struct oci_spec;

/* The CLONE_NEW* of a namespace. */
uint64_t ns_flag(enum oci_namespace ns);

/* As fork: 0 in the child, its pid in the parent with *pidfd set, -1 = error. cgroup_fd -1 = stay
 * here. */
pid_t ns_clone(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e);

/* As vfork: `child` runs in the new namespaces on the memory and stack of the caller, who waits for
 * its exec or its end. No user namespace among them: who has its rights must not write here. *pid
 * is set before the child runs. */
int ns_clone_beside(uint64_t flags, int cgroup_fd, pid_t *pid, int *pidfd, void (*child)(void *ctx),
		    void *ctx, struct err *e);

/* What the specification joins: opened by path, each checked to be of its type. -1 = not joined.
 * changed: a bit per namespace in which something will be set; these must not be the caller's. */
struct ns_join {
	int fds[OCI_NAMESPACES];
};

int ns_join_open(struct ns_join *join, const struct oci_spec *spec, unsigned changed,
		 struct err *e);
void ns_join_close(struct ns_join *join);

/* As ns_clone, with everything joined and the clocks of a new time namespace set. */
pid_t ns_start(const struct oci_spec *spec, const struct ns_join *join, uint64_t flags,
	       int cgroup_fd, int *pidfd, struct err *e);

/* As ns_clone, into the namespaces `flags` of a process (CLONE_NEW*). The cgroup one is never among
 * them, and with a cgroup_fd the machine's root leaves the user one out too: a process gets into
 * its cgroup only from outside of both, so the child joins them by itself. cpus: the child's until
 * it is in its cgroup, NULL = the caller's. */
pid_t ns_enter(int target_pidfd, uint64_t flags, int cgroup_fd, const struct cpu_list *cpus,
	       int *pidfd, struct err *e);

/* name as in /proc/PID/ns: "user", "mnt". pid 0 = ourselves. */
int ns_open(int proc_fd, pid_t pid, const char *name, struct err *e);
