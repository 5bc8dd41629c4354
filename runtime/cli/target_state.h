/* target_state.h - a container's state as JSON: the members of the specification (runtime.md
 * "State") and those that crun and runc add (rootfs, created, owner). */
#pragma once

struct arena;
struct err;
struct json_writer;
struct target;

int target_state_write(const struct target *t, struct arena *a, struct json_writer *w,
		       struct err *e);
