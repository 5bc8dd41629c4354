/* devices.h - the device nodes and links of a container's /dev.
 *
 * Nodes are never made: each is a bind mount of the appliance's own, checked to be the device that
 * its name says, so nothing that an image puts at /dev/null can become our
 * mask (CVE-2025-31133). */
#pragma once

struct err;

/* A detached copy of the node's mount, from the /dev that this process sees. */
int devices_clone(const char *name, struct err *e);

/* null zero full random urandom tty, the links to /proc/self/fd and pts/ptmx, below dev_fd: a fresh
 * tmpfs. */
int devices_populate(int dev_fd, struct err *e);
