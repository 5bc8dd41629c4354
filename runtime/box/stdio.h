/* stdio.h - what a program inside a container has open when it starts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct oci_process;

/* 0, 1 and 2 become `wanted`, -1 = /dev/null of the container; or with a console_fd a terminal
 * whose master goes there (console.h). The working directory must be the container's root. */
int stdio_set(const int wanted[3], int console_fd, const struct oci_process *p, bool bind_console,
	      struct err *e);

/* Closes every other fd: what is only marked O_CLOEXEC is still there while execve(2) looks for the
 * program, and an image may say /proc/self/fd/N/.. (CVE-2024-21626). The first `preserved` behind
 * standard error stay for the program, `kept` (-1 = none) for us; those are O_CLOEXEC. */
int stdio_keep(unsigned preserved, const int *kept, size_t count, struct err *e);
