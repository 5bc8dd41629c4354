/* compose.h - a compose file as a struct: what shall run, said by the user.
 *
 * compose_read goes once over the tree of yaml.h. An unknown key is an error with its line and the
 * nearest known key; a key of the compose specification that this machine cannot honour yet is an
 * error that says so: nothing is dropped silently. `x-...` keys are the user's own.
 *
 * All memory is the caller's arena. Knows nothing of images, of the machine, of what runs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose/health.h"
#include "compose/mounts.h"
#include "compose/network.h"
#include "compose/replicas.h"

struct arena;
struct compose_var;
struct err;

enum compose_restart {
	COMPOSE_RESTART_NO,
	COMPOSE_RESTART_ALWAYS,
	COMPOSE_RESTART_ON_FAILURE,
	COMPOSE_RESTART_UNLESS_STOPPED
};
enum { COMPOSE_RLIMITS_MAX = 16, COMPOSE_GROUPS_MAX = 32 };

struct compose_rlimit {
	int resource;			/* RLIMIT_* */
	uint64_t soft, hard;		/* UINT64_MAX = unlimited */
};

struct compose_label {
	const char *key, *value;
};

struct compose_service {
	const char *name;
	unsigned line;
	const char *image;
	const char *const *command;	/* NULL = the image's; no items = none; so is entrypoint */
	const char *const *entrypoint;
	const char *const *environment;	/* "NAME=value", NULL-terminated, each name once */
	const char *user;		/* NULL = the image's; so are the next two */
	const char *working_dir;
	const char *hostname, *container_name;	/* the second: a further name in the DNS */
	uint32_t groups[COMPOSE_GROUPS_MAX];	/* group_add */
	size_t group_count;
	struct compose_service_network network;
	struct compose_replicas replicas;
	struct compose_health health;
	struct compose_dependency *depends;
	size_t depend_count;

	enum compose_restart restart;
	unsigned restart_max;		/* of on-failure:N; 0 = no bound */
	unsigned stop_signal;		/* 0 = the image's */
	uint64_t stop_grace_ms;

	uint64_t mem_limit_bytes;	/* 0 = not given; so are all limits below */
	uint64_t mem_reservation_bytes;
	int64_t memswap_limit_bytes;	/* memory + swap; -1 = no limit */
	uint64_t nano_cpus;
	uint64_t cpu_shares;
	const char *cpuset;
	int64_t pids_limit;		/* -1 = no limit */
	uint64_t shm_size_bytes;
	struct compose_rlimit rlimits[COMPOSE_RLIMITS_MAX];
	size_t rlimit_count;

	uint64_t cap_add, cap_drop;	/* a bit per CAP_*; all ones = ALL */
	bool read_only;
	bool no_new_privileges;

	struct compose_mount *mounts;
	size_t mount_count;
	struct compose_tmpfs *tmpfs;
	size_t tmpfs_count;
	struct compose_label *labels;
	size_t label_count;
	struct compose_label *sysctls;	/* of its network: net.* */
	size_t sysctl_count;
	uint64_t log_max_bytes;		/* logging.options.max-size */

	bool has_cuvette;		/* x-cuvette is there */
	const char *ready_url;		/* x-cuvette.ready: answers 200 when the service works */
	const char *open_url;		/* x-cuvette.url: the path that the console prints */
};

struct compose_volume {
	const char *name;
	const char *driver;		/* "local" or "share" (the folder shared by the host) */
};

struct compose_project {
	const char *name;		/* NULL = not given */
	struct compose_service *services;	/* at least one, as in the file */
	size_t service_count;
	struct compose_volume *volumes;
	size_t volume_count;
	struct compose_network *networks;	/* those that somebody uses or declares */
	size_t network_count;
};

/* file is for messages. vars ends with a NULL name. NULL with *e set on failure. */
struct compose_project *compose_read(const char *file, const char *text, size_t size_bytes,
				     const struct compose_var *vars, struct arena *arena,
				     struct err *e);

const struct compose_service *compose_service(const struct compose_project *project,
					      const char *name);
const struct compose_volume *compose_volume(const struct compose_project *project,
					    const char *name);
const struct compose_network *compose_network(const struct compose_project *project,
					      const char *key);
