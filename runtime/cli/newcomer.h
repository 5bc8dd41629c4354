/* newcomer.h - the process that `exec` adds to a container: from --process, or the container's own
 * with what the options change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct err;
struct oci_process;
struct oci_spec;

struct newcomer_options {
	const char *process, *cwd, *user, *apparmor, *process_label;
	const char **env, **caps, **gids; /* NULL-terminated, may be NULL */
	bool tty, no_new_privs;
};

/* args: NULL-terminated, what to run without --process. */
struct oci_process *newcomer_make(const struct newcomer_options *o, const struct oci_spec *spec,
				  const char *const *args, struct arena *a, struct err *e);
