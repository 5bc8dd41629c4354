/* program.h - the search for the container's program, as the user, and its exec. */
#pragma once

struct err;
struct oci_process;

/* Returns only when it fails, with the words that users of Docker know:
 * `exec: "foo": executable file not found in $PATH`. */
int program_exec(const struct oci_process *p, struct err *e);
