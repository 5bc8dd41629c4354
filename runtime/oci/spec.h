/* spec.h - a container's config.json (OCI runtime-spec 1.2) as a struct: pure, no system calls.
 *
 * All memory is the caller's arena. oci_spec_parse accepts exactly the fields below: a field that it does
 * not know is an error with its JSON path and the nearest known name, never silently dropped, because a
 * dropped limit or mask is a hole. oci_spec_write gives the JSON back (spec_write.c).
 *
 * Knows nothing of how a container is made: box/ turns the struct into a plan and does it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct buf;
struct err;

enum {
	OCI_SPEC_BYTES_MAX = 1 << 20,	/* a large spec with its own seccomp profile has 40 KiB */
	OCI_SPEC_ARENA_BYTES = 64 << 20, /* bound of an arena that holds whatever a document of that size says */
	OCI_ID_MAPS_MAX = 16,		/* lines per map; the kernel takes 340 */
	OCI_RLIMITS = 16,		/* RLIM_NLIMITS */
	OCI_CAPS = 41,			/* CAP_CHOWN .. CAP_CHECKPOINT_RESTORE */
};

enum oci_namespace {
	OCI_NS_USER, OCI_NS_PID, OCI_NS_MOUNT, OCI_NS_UTS, OCI_NS_IPC, OCI_NS_CGROUP, OCI_NS_NETWORK,
	OCI_NAMESPACES
};

struct oci_user {
	uint32_t uid, gid;		/* ids inside the container */
	uint32_t *groups;		/* additionalGids: exactly these */
	size_t group_count;
	int umask;			/* -1 = not given: 0022 */
};

struct oci_caps {			/* a bit per CAP_* */
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

struct oci_rlimit {
	int resource;			/* RLIMIT_* */
	uint64_t soft, hard;		/* UINT64_MAX = no limit */
};

struct oci_process {
	const char **args;		/* NULL-terminated, at least one */
	const char **env;		/* NULL-terminated, each NAME=VALUE */
	const char *cwd;		/* absolute */
	struct oci_user user;
	struct oci_caps caps;
	struct oci_rlimit rlimits[OCI_RLIMITS];
	size_t rlimit_count;
	bool no_new_privs;
	bool has_oom_score_adj;
	int oom_score_adj;		/* -1000 .. 1000 */
};

struct oci_mount {
	const char *destination;	/* absolute, inside the container */
	const char *type;		/* "proc", "tmpfs", ...; NULL or "bind" with a source = bind mount */
	const char *source;		/* may be NULL */
	const char **options;		/* NULL-terminated, may be NULL; as in fstab */
};

struct oci_id_map {
	uint32_t container_id, host_id, size;
};

struct oci_id_maps {
	struct oci_id_map items[OCI_ID_MAPS_MAX];
	size_t count;
};

struct oci_resources {
	int64_t memory_limit_bytes;		/* 0 = not given, -1 = no limit; so are the next three */
	int64_t memory_swap_bytes;		/* memory + swap, as the specification counts */
	int64_t memory_reservation_bytes;
	int64_t pids_limit;
	int64_t cpu_quota_us;			/* 0 = not given, -1 = no limit */
	uint64_t cpu_period_us;			/* 0 = 100000 */
	uint64_t cpu_shares;			/* 0 = not given; 2 .. 262144, 1024 is normal */
	const char *cpu_cpus;			/* "0-3,7" or NULL */
	const char *cpu_mems;
};

struct oci_pair {
	const char *key, *value;
};

struct oci_seccomp;				/* spec_seccomp.h */

struct oci_spec {
	struct oci_process process;
	const char *root_path;			/* the service ignores it: it knows the image */
	bool root_readonly;
	const char *hostname;			/* NULL = not set */
	struct oci_mount *mounts;		/* in the order in which they are made */
	size_t mount_count;
	struct oci_pair *annotations;
	size_t annotation_count;

	unsigned namespaces;			/* a bit 1 << OCI_NS_* for each new one; joining comes later */
	struct oci_id_maps uid_maps, gid_maps;
	struct oci_resources resources;
	const char *cgroups_path;		/* "/box/NAME" or NULL: no cgroup of its own */
	const char **masked_paths;		/* NULL-terminated, may be NULL */
	const char **readonly_paths;
	struct oci_pair *sysctl;
	size_t sysctl_count;

	/* Docker's default profile, kept ready by the service and fitted to the capabilities. In the JSON it
	 * is the annotation OCI_SECCOMP_ANNOTATION; own profiles stand in linux.seccomp. Neither = none. */
	bool seccomp_default;
	struct oci_seccomp *seccomp;
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

/* Docker's container as it is without options: 14 capabilities, masked and read-only paths, /proc, /dev,
 * /dev/pts, /dev/shm, /dev/mqueue, /sys, /sys/fs/cgroup, namespaces (user, pid, mount, uts, ipc, cgroup),
 * 0:0 as user, cwd "/", the default seccomp profile. The caller sets process.args and env, and what differs. */
struct oci_spec *oci_spec_defaults(struct arena *a, const struct oci_defaults *d);

/* `name` stands in front of the JSON path in messages: `web: .process.cwd: must be absolute`. */
struct oci_spec *oci_spec_parse(struct arena *a, const char *name, const char *text, size_t size_bytes, struct err *e);

/* Appends the JSON document; false when the buffer's bound was reached. */
bool oci_spec_write(const struct oci_spec *s, struct buf *out);

/* NULL-terminated copies for process.args and process.env. */
const char **oci_strings(struct arena *a, const char *const *items, size_t count);

/* Appends to a NULL-terminated list (NULL = empty); returns the new list. */
const char **oci_strings_add(struct arena *a, const char **list, const char *item);
