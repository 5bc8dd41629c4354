/* target.h - the container that a command is about: what is on disk of it and how it is doing.
 *
 *   CREATING -- at its gate --> CREATED -- start --> RUNNING <-- pause, resume --> PAUSED
 *       `---------------------------`------------------`-- end, or a crash --> STOPPED
 *
 * The status is nowhere written down: it comes from the process, its gate and cgroup.freeze, so it
 * is right after a crash of anything. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "box/container_dir.h"

struct arena;
struct command_call;
struct err;
struct globals;
struct oci_spec;

enum target_status {
	TARGET_CREATING,
	TARGET_CREATED,
	TARGET_RUNNING,
	TARGET_PAUSED,
	TARGET_STOPPED,
	TARGET_STATUSES
};

struct target {
	struct container_dir dir;
	bool has_facts, has_process;	/* what of the next two there is */
	struct container_facts facts;
	struct container_process process;
	enum target_status status;
	int pidfd;			/* of the process while it lives, -1 */
};

/* ROOT of this call. */
int target_root_open(const struct command_call *call, struct err *e);

/* Opens, loads, looks. -1 with ENOENT: no such container. */
int target_open(struct target *t, const struct command_call *call, const char *id,
		enum container_lock lock, struct err *e);
int target_open_at(struct target *t, int root_fd, const char *id, enum container_lock lock,
		   struct arena *a, struct err *e);
/* Also one whose records cannot be read, to clear it away. */
int target_open_damaged(struct target *t, int root_fd, const char *id, enum container_lock lock,
			struct arena *a, struct err *e);
void target_close(struct target *t);

const char *target_status_name(enum target_status status);	/* "created" */

/* The container's configuration as it was at create. */
struct oci_spec *target_spec(const struct target *t, struct arena *a, struct err *e);

/* Its cgroup: -1 with a sentence when it has none. */
int target_cgroup_open(const struct target *t, struct err *e);

/* To the first process; fails when that has ended. */
int target_signal(const struct target *t, int signal, struct err *e);

/* Until the first process has ended, at most wait_ms; false = it still lives. */
bool target_wait_ended(const struct target *t, int wait_ms);
