/* features.h - the features document of a runtime (runtime-spec 1.3, features.md and
 * features-linux.md) as JSON: what callers ask before they write a config.json.
 *
 * Pure, and about this program, not about the machine it runs on. What oci/ itself decides (hooks,
 * namespaces, capabilities, the words of seccomp and memoryPolicy, what is refused) is known here;
 * the rest are the caller's facts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct oci_pair;

struct features {
	const char *const *mount_options;	/* NULL-terminated; written in this order */
	bool systemd;				/* --systemd-cgroup is obeyed, also for a user */
	bool rdma;				/* linux.resources.rdma is carried out */
	bool net_devices;			/* linux.netDevices is carried out */
	const struct oci_pair *annotations;	/* version of the program and the like */
	size_t annotation_count;
	/* Keys, or prefixes that end in ".", of annotations in config.json that change what the
	 * runtime does; NULL-terminated, NULL = none. */
	const char *const *unsafe_annotations;
};

/* Appends the document; false when the buffer's bound was reached. */
bool features_write(const struct features *f, struct buf *out);
