/* plan.h - service + image + what this boot says -> everything boxd needs to make the container.
 * Pure.
 *
 * Merges as Docker does: an own entrypoint drops the image's command; environment by name, the
 * service wins; user, working directory and stop signal of the service before the image's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orch/health.h"

struct arena;
struct attachments;
struct compose_mount;
struct compose_project;
struct compose_service;
struct err;
struct image;

enum {
	PLAN_REVISION_BYTES = 17,
	PLAN_ID_FIRST = 1048576,	/* slot N has the host ids from here + N * 65536 */
	PLAN_SLOTS_MAX = 64,
};

struct plan_request {
	const struct compose_project *project;
	const struct compose_service *service;
	const char *name;		/* the container's */
	const struct image *image;
	const char *const *command;	/* NULL = the service's or the image's */
	uint64_t mem_limit_bytes;	/* 0 = the service's */
	uint32_t slot;
	/* Of its networks, or of the service's whose network it shares; NULL = none. */
	const struct attachments *attachments;
	const struct attachments *all;	/* everybody's: who is where */
	size_t all_count;
};

struct plan {
	const char *spec;			/* config.json */
	size_t spec_bytes;
	const struct compose_service *service;	/* its mounts go beside the spec */
	const char *const *names; /* files of /etc that boxd provides; NULL-terminated */
	const char *image;
	const char *image_digest;
	char revision[PLAN_REVISION_BYTES];	/* another one = other settings */
	uint64_t mem_limit_bytes;		/* in force; 0 = none */
	uint64_t log_bytes;
	unsigned stop_signal;
	uint64_t stop_grace_ms;
	bool hold;				/* until its networks are made */
	const char *network_of;			/* a service whose network it shares; "" = none */
	const char *resolver, *hosts;		/* as BOX_START has them */
	const char *check;			/* the process of its health check; NULL = none */
	size_t check_bytes;
	struct health_rule check_rule;
};

int plan_make(struct plan *plan, const struct plan_request *request, struct arena *arena,
	      struct err *e);
