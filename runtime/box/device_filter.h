/* device_filter.h - linux.resources.devices as a BPF program of the kind CGROUP_DEVICE.
 *
 * device_filter_make is pure. The program looks at each access right (read, write, mknod) by
 * itself: for each the last rule that fits the device decides, and without one the answer is no.
 * Docker's devices (null, zero, full, random, urandom, tty, console, ptmx, pts, and mknod of
 * anything) are allowed after all rules, as the OCI runtimes do.
 *
 * A kernel without BPF_SYSCALL (ours, by design) takes no program. There the rules hold by other
 * means: every mount of the container is nodev and device nodes are bind mounts of those that its
 * specification lists. device_filter_attach says 0 then, and the caller must see to that.
 *
 * Source: bpf(2), linux/bpf.h; the kernel's admin-guide/cgroup-v2.rst "Device controller" and
 * cgroup-v1/devices.rst for what a rule means. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct bpf_insn;
struct err;
struct oci_device_rule;

struct device_filter {
	struct bpf_insn *items;		/* in the arena */
	size_t count;
};

/* There are rules, and they do not end with one that allows everything: a program is needed. */
bool device_filter_needed(const struct oci_device_rule *rules, size_t count);

int device_filter_make(struct device_filter *f, struct arena *a,
		       const struct oci_device_rule *rules, size_t count, struct err *e);

/* Loads it and attaches it to the cgroup in place of one of ours that is there, which a new cgroup
 * has not. 1 = done; 0 = this kernel has no BPF, or we are not root of the machine (a user
 * namespace cannot make nodes, and opens none where nodev is set); -1 = error. */
int device_filter_attach(const struct device_filter *f, int cgroup_fd, bool is_new, struct err *e);
