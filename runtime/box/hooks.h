/* hooks.h - runs the hooks of config.json (runtime-spec 1.3, config.md "POSIX-platform Hooks").
 *
 * Each gets the container's state as JSON on stdin, exactly the environment of its own entry, the
 * working directory cwd_fd and no other fd but stdout and stderr: nothing of an image reaches it
 * (LD_PRELOAD, PATH, CVE-2025-23266). After its timeout it is killed. */
#pragma once

#include "oci/spec_types.h"

struct err;
struct oci_spec;
struct oci_state;	/* oci/state.h */

/* The hooks of one kind in their order. The first that fails ends it with an error, which ends the
 * container; for poststop it is logged and the others run (runtime.md "Lifecycle"). */
int hooks_run(const struct oci_spec *spec, enum oci_hook_kind kind, const struct oci_state *state,
	      int cwd_fd, struct err *e);
