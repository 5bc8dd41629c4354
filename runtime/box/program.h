/* program.h - the search for the container's program, as the user, and its exec. */
#pragma once

#include <limits.h>

struct err;
struct oci_process;

struct program {
	char path[PATH_MAX];
};

/* With the words that users of Docker know: `exec: "foo": executable file not found in $PATH`. */
int program_find(const struct oci_process *p, struct program *program, struct err *e);

/* Returns only when it fails. */
int program_exec(const struct oci_process *p, const struct program *program, struct err *e);
