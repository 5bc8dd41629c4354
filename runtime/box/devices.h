/* devices.h - the device nodes and links of a container's /dev (runtime-spec 1.3, config-linux.md
 * "Default Devices", "Dev symbolic links").
 *
 * Where mknod would be refused or its node not open (a user namespace, nodev), a node is a bind
 * mount of the machine's own, checked to be the device that it is meant to be, so nothing that an
 * image puts at /dev/null can become our mask (CVE-2025-31133). */
#pragma once

#include <stdbool.h>

struct err;
struct oci_device;

/* A detached copy of the machine's null device. */
int devices_open_null(struct err *e);

/* null zero full random urandom tty and the links to /proc/self/fd, pts/ptmx and /proc/kcore, below
 * dev_fd. What is there already must be the same device. */
int devices_populate(int dev_fd, bool bind_nodes, struct err *e);

/* Does devices_populate make a link of this path? */
bool devices_has_link(const char *path);

/* One more node at its path in the root. source_fd: a detached mount of it, or -1 = as bind_nodes
 * says. */
int devices_add(int root_fd, const struct oci_device *node, int source_fd, bool bind_nodes,
		struct err *e);

/* The file /dev/console, which the container's terminal is mounted over once there is one
 * (console.h): by then the root may be read-only. */
int devices_make_console(int root_fd, struct err *e);
