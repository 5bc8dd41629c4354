/* spec.h - a container's config.json (OCI runtime-spec 1.3) as a struct: pure, no system calls.
 *
 * All memory is the caller's arena. oci_spec_parse accepts exactly the fields below: a field that
 * it does not know is an error with its JSON path and the nearest known name, never silently
 * dropped, because a dropped limit or mask is a hole. oci_spec_parse_bundle is for documents of
 * other makers: there the specification demands that unknown members are passed over (spec.md,
 * "Extensibility"); what is known is checked just as strictly. oci_spec_write gives the JSON back
 * (spec_write.c).
 *
 * Knows nothing of how a container is made: box/ turns the struct into a plan and does it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/spec_linux_types.h"
#include "oci/spec_types.h"

struct arena;
struct buf;
struct err;

enum {
	OCI_SPEC_BYTES_MAX = 1 << 20, /* a large spec with its own seccomp profile has 40 KiB */
	OCI_SPEC_ARENA_BYTES =
		64 << 20, /* bound of an arena that holds whatever a document of that size says */
};

#define OCI_VERSION "1.3.0"			/* of the specification, as we write it */

struct oci_seccomp;				/* spec_seccomp.h */

struct oci_spec {
	bool has_process;			/* a bundle may do without until its start */
	struct oci_process process;
	const char *root_path;			/* the service ignores it: it knows the image */
	bool root_readonly;
	const char *hostname, *domainname;	/* NULL = not set */
	struct oci_mount *mounts;		/* in the order in which they are made */
	size_t mount_count;
	struct oci_pair *annotations;
	size_t annotation_count;

	struct oci_hook_list hooks[OCI_HOOKS];

	unsigned namespaces;			/* a bit 1 << OCI_NS_* for each new one */
	const char *namespace_paths[OCI_NAMESPACES];	/* not NULL: joined, and no bit above */
	unsigned namespace_items[OCI_NAMESPACES];	/* which of .linux.namespaces that is */
	struct oci_time_offset time_monotonic, time_boottime;
	struct oci_id_maps uid_maps, gid_maps;
	struct oci_device *devices;
	size_t device_count;
	struct oci_net_device *net_devices;
	size_t net_device_count;
	unsigned long rootfs_propagation;	/* MS_SHARED, ... with MS_REC; 0 = not given */
	bool has_personality;
	unsigned long personality;		/* personality(2): domain and flags */
	const struct oci_memory_policy *memory_policy;	/* NULL = inherited */
	struct oci_resources resources;
	const char *cgroups_path;		/* as it stands there, or NULL */
	const char **masked_paths;		/* NULL-terminated, may be NULL */
	const char **readonly_paths;
	struct oci_pair *sysctl;
	size_t sysctl_count;

	/* Docker's default profile, kept ready by the service and fitted to the capabilities. In
	 * the JSON it is the annotation OCI_SECCOMP_ANNOTATION; own profiles stand in
	 * linux.seccomp. Neither = none. */
	bool seccomp_default;
	struct oci_seccomp *seccomp;

	/* What a bundle asks for and does not get, where the specification wants it said and not
	 * refused: NULL-terminated sentences with their JSON path, or NULL. */
	const char **warnings;
};

#define OCI_SECCOMP_ANNOTATION "cuvette.seccomp"	/* value "default" */

/* What the caller knows about the container; the rest of oci_spec_defaults is Docker's. */
struct oci_defaults {
	const char *hostname;		/* NULL = none */
	const char *cgroups_path;	/* "/box/NAME"; NULL = none */
	uint32_t id_base;		/* first host id of the container's 65536 */
	uint64_t shm_bytes;		/* 0 = 64 MiB */
	bool own_network;		/* a network namespace of its own; else the appliance's */
};

/* Docker's container as it is without options: 14 capabilities, masked and read-only paths, /proc,
 * /dev, /dev/pts, /dev/shm, /dev/mqueue, /sys, /sys/fs/cgroup, namespaces (user, pid, mount, uts,
 * ipc, cgroup), 0:0 as user, cwd "/", the default seccomp profile. The caller sets process.args and
 * env, and what differs. */
struct oci_spec *oci_spec_defaults(struct arena *a, const struct oci_defaults *d);

/* `name` stands in front of the JSON path in messages: `web: .process.cwd: must be absolute`. */
struct oci_spec *oci_spec_parse(struct arena *a, const char *name, const char *text,
				size_t size_bytes, struct err *e);

/* As above for a bundle of another maker: unknown members are passed over. */
struct oci_spec *oci_spec_parse_bundle(struct arena *a, const char *name, const char *text,
				       size_t size_bytes, struct err *e);
/* A document that is one object alone, as `exec --process` and `update --resources` take it;
 * unknown members are passed over. */
struct oci_process *oci_process_parse(struct arena *a, const char *name, const char *text,
				      size_t size_bytes, struct err *e);
struct oci_resources *oci_resources_parse(struct arena *a, const char *name, const char *text,
					  size_t size_bytes, struct err *e);

/* Appends the JSON document; false when the buffer's bound was reached. */
bool oci_spec_write(const struct oci_spec *s, struct buf *out);
bool oci_process_write(const struct oci_process *p, struct buf *out);

/* NULL-terminated copies for process.args and process.env. */
const char **oci_strings(struct arena *a, const char *const *items, size_t count);

/* Appends to a NULL-terminated list (NULL = empty); returns the new list. */
const char **oci_strings_add(struct arena *a, const char **list, const char *item);
