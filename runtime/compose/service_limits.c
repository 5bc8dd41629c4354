/* service_limits.c - memory, CPU, processes, rlimits; `deploy.resources.limits` is their second
 * spelling, and deploy has what replicas.h reads. */
#include "compose/compose.h"
#include "compose/reader.h"
#include "compose/replicas.h"
#include "compose/scalar.h"
#include "compose/service.h"
#include "compose/yaml.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

/* 6 MiB is Docker's floor: below it not even the container's first process starts. */
static const uint64_t MEM_LIMIT_MIN_BYTES = 6 << 20;

static int read_limit_bytes(struct reader *r, const struct yaml_node *node, uint64_t *target,
			    struct err *e)
{
	uint64_t bytes;

	if (reader_bytes(r, node, &bytes, e) < 0)
		return -1;
	if (bytes < MEM_LIMIT_MIN_BYTES || bytes > INT64_MAX)
		return reader_fail(r, node, e, "must be at least 6m");
	if (*target && *target != bytes)
		return reader_fail(r, node, e,
				   "the same limit is given twice with different values");
	*target = bytes;
	return 0;
}

int service_read_mem_limit(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_limit_bytes(r, node, &s->mem_limit_bytes, e);
}

int service_read_mem_reservation(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_limit_bytes(r, node, &s->mem_reservation_bytes, e);
}

int service_read_memswap_limit(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);
	uint64_t bytes = 0;

	if (!text)
		return -1;
	if (str_equal(text, "-1")) {
		s->memswap_limit_bytes = -1;
		return 0;
	}
	if (reader_bytes(r, node, &bytes, e) < 0)
		return -1;
	if (bytes > INT64_MAX)
		return reader_fail(r, node, e, "is larger than any memory");
	s->memswap_limit_bytes = (int64_t)bytes;
	return 0;
}

int service_read_cpus(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);
	uint64_t nano_cpus;

	if (!text)
		return -1;
	/* The kernel takes quotas of 1 ms and more: a hundredth of its 100 ms period. */
	if (!scalar_nano_cpus(text, &nano_cpus) || nano_cpus < 10000000 ||
	    nano_cpus > 1024 * 1000000000ull)
		return reader_fail(r, node, e,
				   "\"%.64s\" is not a number of CPUs from 0.01 to 1024", text);
	if (s->nano_cpus && s->nano_cpus != nano_cpus)
		return reader_fail(r, node, e,
				   "the same limit is given twice with different values");
	s->nano_cpus = nano_cpus;
	return 0;
}

int service_read_cpu_shares(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!str_to_u64(text, &s->cpu_shares) || s->cpu_shares < 2 || s->cpu_shares > 262144)
		return reader_fail(r, node, e,
				   "must be a number from 2 to 262144 (1024 is normal)");
	return 0;
}

int service_read_cpuset(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!scalar_is_cpuset(text))
		return reader_fail(r, node, e, "\"%.64s\" is not a list of CPUs: write 0-3 or 0,2",
				   text);
	s->cpuset = text;
	return 0;
}

int service_read_pids_limit(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);
	int64_t count;

	if (!text)
		return -1;
	if (!str_to_i64(text, &count) || count < -1 || count == 0)
		return reader_fail(r, node, e, "must be a number of processes, or -1 for no limit");
	if (s->pids_limit && s->pids_limit != count)
		return reader_fail(r, node, e,
				   "the same limit is given twice with different values");
	s->pids_limit = count;
	return 0;
}

int service_read_shm_size(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (reader_bytes(r, node, &s->shm_size_bytes, e) < 0)
		return -1;
	return s->shm_size_bytes ? 0 : reader_fail(r, node, e, "must be more than 0");
}

static int read_rlimit(struct reader *r, const struct yaml_node *node, struct compose_rlimit *limit,
		       struct err *e)
{
	const struct yaml_node *soft = node, *hard = node;
	const char *soft_text, *hard_text;

	if (node->kind == YAML_MAP) {
		soft = yaml_member(node, "soft");
		hard = yaml_member(node, "hard");
		if (!soft || !hard || yaml_count(node) != 2)
			return reader_fail(r, node, e,
					   "must be a number, or a map with soft and hard");
	}
	soft_text = reader_text(r, soft, e);
	hard_text = soft_text ? reader_text(r, hard, e) : NULL;
	if (!hard_text)
		return -1;
	if (!scalar_limit(soft_text, &limit->soft) || !scalar_limit(hard_text, &limit->hard))
		return reader_fail(r, node, e, "must be a number, or -1 for no limit");
	if (limit->soft > limit->hard)
		return reader_fail(r, node, e, "the soft limit is above the hard one");
	return 0;
}

int service_read_ulimits(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map, not %s", yaml_kind_name(node->kind));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		struct compose_rlimit *limit = &s->rlimits[s->rlimit_count];

		/* One key per resource and no key twice, so the table cannot overflow; upper case
		 * would. */
		if (s->rlimit_count == COMPOSE_RLIMITS_MAX ||
		    !scalar_rlimit(item->key, &limit->resource))
			return reader_fail(r, item, e,
					   "is no resource limit: known are nofile, nproc, "
					   "memlock, stack, core ...");
		if (read_rlimit(r, item, limit, e) < 0)
			return -1;
		s->rlimit_count++;
	}
	return 0;
}

static int read_deploy_limits(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "cpus", service_read_cpus },
		{ "devices", NULL },
		{ "memory", service_read_mem_limit },
		{ "pids", service_read_pids_limit },
	};

	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}

static int read_deploy_resources(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "limits", read_deploy_limits },
		{ "reservations", NULL },
	};

	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}

int service_read_deploy(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "endpoint_mode", service_read_endpoint_mode },
		{ "labels", NULL },
		{ "mode", service_read_deploy_mode },
		{ "placement", NULL },
		{ "replicas", service_read_scale },
		{ "resources", read_deploy_resources },
		{ "restart_policy", NULL }, { "rollback_config", NULL },
		{ "update_config", service_read_update_config },
	};

	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}
