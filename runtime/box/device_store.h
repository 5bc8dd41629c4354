/* device_store.h - device programs that stay loaded, so that the kernel verifies and translates
 * each once per boot and not for every container: nine tenths of what one costs.
 *
 * Pinned in /sys/fs/bpf/box-devices (0700, root's), where a bpffs is mounted, as systemd does. The
 * name only finds a program; that it is the wanted one the kernel says, by kind and instructions.
 * Whatever is odd or missing counts as not there: an older kernel (before 6.5), another owner, no
 * bpffs. Several at once get in nobody's way: a name is pinned once, and a program in use outlives
 * its name. A full folder (64) is emptied before the next one comes. No container reaches it: each
 * bpffs that somebody mounts is a new one. Source: bpf(2), linux/bpf.h, kernel/bpf/inode.c. */
#pragma once

struct device_filter;

/* Its fd; or -1: load it. */
int device_store_open(const struct device_filter *f);

/* A program that was loaded; at best it is kept. */
void device_store_keep(const struct device_filter *f, int program_fd);
