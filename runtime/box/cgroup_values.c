/* cgroup_values.c - see cgroup_values.h */
#include "box/cgroup_values.h"

#include <stdarg.h>
#include <stdio.h>

#include "oci/spec.h"

enum { CPU_PERIOD_US = 100000 };

static void put(struct cgroup_values *values, const char *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct cgroup_values *values, const char *file, const char *format, ...)
{
	struct cgroup_value *v = &values->items[values->count++];
	va_list args;

	v->file = file;
	v->list = NULL;
	va_start(args, format);
	vsnprintf(v->number, sizeof(v->number), format, args);
	va_end(args);
}

static void put_list(struct cgroup_values *values, const char *file, const char *list)
{
	if (!list)
		return;
	values->items[values->count].file = file;
	values->items[values->count++].list = list;
}

static void put_limit(struct cgroup_values *values, const char *file, int64_t limit)
{
	if (limit > 0)
		put(values, file, "%lld", (long long)limit);
	else if (limit < 0)
		put(values, file, "max");
}

/* The curve of the OCI runtimes since 2026: weight = 10^((l^2 + 125 l) / 612 - 7/34), l =
 * log2(shares), so that 2, 1024 and 262144 become 1, 100 and 10000. Here its points at powers of
 * two, straight between. */
unsigned cgroup_weight(uint64_t shares)
{
	static const unsigned weights[] = {
		1, 1, 2, 3, 5, 8, 12, 21, 35, 59, 100, 174, 303, 532, 942, 1681, 3023, 5478, 10000,
	};	/* by l = 0 .. 18 */
	unsigned l = 63 - (unsigned)__builtin_clzll(shares | 1);
	uint64_t low = 1ull << l;

	if (shares <= 2)
		return 1;
	if (l >= 18)
		return 10000;
	return weights[l] + (unsigned)((weights[l + 1] - weights[l]) * (shares - low) / low);
}

const char *cgroup_value_text(const struct cgroup_value *v)
{
	return v->list ? v->list : v->number;
}

static void put_memory(struct cgroup_values *values, const struct oci_resources *r)
{
	int64_t swap = r->memory_swap_bytes;

	put_limit(values, "memory.max", r->memory_limit_bytes);
	put_limit(values, "memory.low", r->memory_reservation_bytes);
	if (r->memory_limit_bytes <= 0)
		return;
	/* v2 counts swap alone. Not given: none, since swapping hides a limit that is too small
	 * until the machine crawls. */
	if (swap < 0)
		put(values, "memory.swap.max", "max");
	else
		put(values, "memory.swap.max", "%lld",
		    swap > r->memory_limit_bytes ? (long long)(swap - r->memory_limit_bytes) : 0ll);
	/* A Jupyter server outlives the kernel process that was too greedy. */
	put(values, "memory.oom.group", "0");
}

void cgroup_values_make(struct cgroup_values *values, const struct oci_resources *r)
{
	uint64_t period = r->cpu_period_us ? r->cpu_period_us : CPU_PERIOD_US;

	values->count = 0;
	put_memory(values, r);
	if (r->cpu_quota_us < 0)
		put(values, "cpu.max", "max %llu", (unsigned long long)period);
	else if (r->cpu_quota_us > 0)
		put(values, "cpu.max", "%lld %llu", (long long)r->cpu_quota_us,
		    (unsigned long long)period);
	if (r->cpu_shares)
		put(values, "cpu.weight", "%u", cgroup_weight(r->cpu_shares));
	put_list(values, "cpuset.cpus", r->cpu_cpus);
	put_list(values, "cpuset.mems", r->cpu_mems);
	put_limit(values, "pids.max", r->pids_limit);
}
