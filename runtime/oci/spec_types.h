/* spec_types.h - the process and the id maps of a container's config.json as structs (runtime-spec
 * 1.3, config.md "Process"); spec_linux_types.h has what is Linux's, spec.h the whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OCI_ID_MAPS_MAX = 340,		/* user_namespaces(7): lines that the kernel takes */
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
	OCI_NS_TIME,
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

struct oci_scheduler {			/* sched_setattr(2) */
	int policy;			/* SCHED_* */
	int nice;
	uint32_t priority;
	uint64_t flags;			/* SCHED_FLAG_* */
	uint64_t runtime_ns, deadline_ns, period_ns;
};

struct oci_io_priority {		/* ioprio_set(2) */
	int class;			/* IOPRIO_CLASS_* */
	int level;			/* 0 .. 7 */
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
	bool terminal;
	uint16_t console_rows, console_columns;		/* consoleSize; 0 = not given */
	const struct oci_scheduler *scheduler;		/* NULL = inherited; so is the next */
	const struct oci_io_priority *io_priority;
	/* execCPUAffinity: CPU lists like "0-3,7", or NULL. The first holds until the process is in
	 * its cgroup, the second from then on; for exec only. */
	const char *affinity_initial, *affinity_final;
	/* Taken and said to be off in `features`: our kernels have neither. */
	const char *apparmor_profile; /* NULL, "" or "unconfined" = none */
	const char **warnings;		/* of oci_process_parse, as in struct oci_spec */
};

struct oci_mount {
	const char *destination;	/* absolute, inside the container */
	const char *type; /* "proc", "tmpfs", ...; NULL or "bind" with a source = bind mount */
	const char *source;		/* may be NULL */
	const char **options;		/* NULL-terminated, may be NULL; as in fstab */
	const struct oci_id_maps *uid_maps, *gid_maps;	/* of this mount alone; NULL = none */
};

struct oci_id_map {
	uint32_t container_id, host_id, size;
};

struct oci_id_maps {
	struct oci_id_map *items;	/* at most OCI_ID_MAPS_MAX */
	size_t count;
};

struct oci_hook {
	const char *path;		/* absolute */
	const char **args, **env;	/* NULL-terminated, may be NULL: {path} and nothing */
	int timeout_s;			/* 0 = none */
};

/* In the order in which they run (runtime.md "Lifecycle"). */
enum oci_hook_kind {
	OCI_HOOK_PRESTART,		/* runtime's namespaces, before createRuntime; deprecated */
	OCI_HOOK_CREATE_RUNTIME,	/* runtime's namespaces, before pivot_root */
	OCI_HOOK_CREATE_CONTAINER,	/* container's namespaces, before pivot_root */
	OCI_HOOK_START_CONTAINER,	/* container's namespaces, before the program */
	OCI_HOOK_POSTSTART,		/* runtime's namespaces, after the program started */
	OCI_HOOK_POSTSTOP,		/* runtime's namespaces, after delete */
	OCI_HOOKS
};

struct oci_hook_list {
	struct oci_hook *items;
	size_t count;
};

struct oci_pair {
	const char *key, *value;
};
