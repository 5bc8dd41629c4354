/* program.h - the container's program: its environment, the search for it as the user, its exec. */
#pragma once

struct err;
struct oci_process;

/* Its memory is given back by exec. */
struct program {
	const char *path;
	const char **env;
};

/* While the working directory is the container's root: the environment as it is given, and HOME
 * from the container's /etc/passwd when there is none. */
void program_environment(const struct oci_process *p, struct program *program);

/* With the words that users of Docker know: `exec: "foo": executable file not found in $PATH`. */
int program_find(const struct oci_process *p, struct program *program, struct err *e);
/* For who execs at once: a program that is given by its path need not be looked at before. */
int program_find_to_exec(const struct oci_process *p, struct program *program, struct err *e);

/* Returns only when it fails. */
int program_exec(const struct oci_process *p, const struct program *program, struct err *e);
