/* stdio.h - what a program inside a container has open when it starts. */
#pragma once

#include <stdbool.h>

struct err;
struct oci_process;

/* 0, 1 and 2 become `wanted`, -1 = /dev/null of the container; or with a console_fd a terminal
 * whose master goes there (console.h). The working directory must be the container's root. */
int stdio_set(const int wanted[3], int console_fd, const struct oci_process *p, bool bind_console,
	      struct err *e);

/* Closed by exec, whatever the caller left open: all but 0, 1, 2 and the `preserved` ones after
 * (CVE-2024-21626). */
int stdio_mark(unsigned preserved, struct err *e);
