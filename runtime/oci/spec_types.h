/* spec_types.h - the parts of a container's config.json as structs; spec.h has the whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OCI_ID_MAPS_MAX = 16,		/* lines per map; the kernel takes 340 */
	OCI_RLIMITS = 16,		/* RLIM_NLIMITS */
	OCI_CAPS = 41,			/* CAP_CHOWN .. CAP_CHECKPOINT_RESTORE */
};

enum oci_namespace {
	OCI_NS_USER,
	OCI_NS_PID,
	OCI_NS_MOUNT,
	OCI_NS_UTS,
	OCI_NS_IPC,
	OCI_NS_CGROUP,
	OCI_NS_NETWORK,
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
	const char *type; /* "proc", "tmpfs", ...; NULL or "bind" with a source = bind mount */
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
	int64_t memory_limit_bytes; /* 0 = not given, -1 = no limit; so are the next three */
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
