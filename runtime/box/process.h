/* process.h - the `process` object of config.json applied to a process: ids, capabilities, limits.
 *
 * In the order of this header, by the container's first process (stage_inner.c) and by `exec`
 * (enter.c) alike. The rights go away step by step, each at the last place where it is needed:
 * see credentials(7) and capabilities(7) for what every step takes from the next. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum { PROCESS_UMASK = 0022 };	/* unless the specification says otherwise */

struct err;
struct oci_process;
struct oci_spec;

/* From outside, or by itself (pid 0), with the machine's rights: resource limits (of those that
 * process_confine sets, the room for them), OOM score, scheduling policy, I/O priority. */
int process_limit(pid_t pid, const struct oci_process *p, struct err *e);

/* Inside, at first: root of the user namespace when that is not the machine's; a session of its own
 * and, unless the caller's shall stay, a session keyring; no signal blocked. */
int process_begin(bool own_user_ns, bool keep_keyring, struct err *e);

/* personality, memory policy: of the whole container, not of one process. */
int process_inherit(const struct oci_spec *spec, struct err *e);

/* Bounding set, user, groups, umask, no_new_privs. Permitted capabilities are still all there.
 * tied: a SIGKILL when the parent ends. */
int process_become(const struct oci_process *p, bool tied, struct err *e);

/* The working directory, by fd below root_fd (AT_FDCWD: we are there); made when it is missing and
 * `make` says so. */
int process_chdir(int root_fd, const char *cwd, bool make, struct err *e);

/* Limits on files and memory, capabilities and the filter: the end, only exec is left. Without
 * no_new_privs a filter needs CAP_SYS_ADMIN and comes before capset; with it, after. listener_fd:
 * set as soon as the filter is there, NULL when none is wanted (notify.h). */
int process_confine(const struct oci_process *p, int seccomp_fd, unsigned seccomp_flags,
		    volatile int *listener_fd, struct err *e);

/* The capabilities alone: for hooks inside the container, which run before process_confine. */
int process_drop(const struct oci_process *p, struct err *e);
