/* cgroup_values.c - see cgroup_values.h */
#include "box/cgroup_values.h"

#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

#define WHERE ".linux.resources."

enum {
	CPU_PERIOD_US = 100000,
	SINGLE_VALUES_MAX = 14,		/* values that are there at most once */
	CONTROLLER_NAME_MAX = 31,
};

static const char *const controller_names[] = {
	"cpu", "cpuset", "io", "memory", "pids", "hugetlb", "rdma", "misc",
};
_Static_assert(ARRAY_SIZE(controller_names) == CGROUP_OTHER, "a name for each controller");

const char *cgroup_controller_name(unsigned controller)
{
	return controller < CGROUP_OTHER ? controller_names[controller] : "?";
}

static unsigned controller_bit(const char *name, size_t length)
{
	for (unsigned i = 0; i < CGROUP_OTHER; i++)
		if (strlen(controller_names[i]) == length &&
		    memcmp(controller_names[i], name, length) == 0)
			return 1u << i;
	return 1u << CGROUP_OTHER;
}

unsigned cgroup_controllers_parse(const char *text)
{
	unsigned bits = 0;

	while (*text) {
		size_t length = strcspn(text, " \n");

		if (length)
			bits |= controller_bit(text, length);
		text += length + (text[length] != '\0');
	}
	return bits;
}

/* Both texts are the caller's; the controller is what stands before the first dot. */
static struct cgroup_value *put(struct cgroup_values *values, const char *file, const char *text)
{
	struct cgroup_value *v = &values->items[values->count++];

	*v = (struct cgroup_value){ .file = file, .text = text };
	if (!str_starts(file, "cgroup."))
		values->controllers |= controller_bit(file, strcspn(file, "."));
	return v;
}

static const char *limit_text(struct arena *a, int64_t limit)
{
	return limit < 0 ? "max" : arena_format(a, "%lld", (long long)limit);
}

/* log2 of a number from 1 on, with 40 bits behind the point: squaring doubles the logarithm, so
 * each squaring that passes 2 is a bit of it. */
static uint64_t log2_fixed(uint64_t number)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(number);
	uint64_t mantissa = number << (62 - whole), result = whole; /* 1.0 is 1 << 62 */

	for (unsigned bit = 0; bit < 40; bit++) {
		__extension__ unsigned __int128 square = mantissa;

		square = square * mantissa >> 62;
		result <<= 1;
		if (square >> 63) {
			square >>= 1;
			result |= 1;
		}
		mantissa = (uint64_t)square;
	}
	return result;
}

/* The curve of the OCI runtimes since 2026 (crun 1.23, runc 1.4), through 2 -> 1, 1024 -> 100 and
 * 262144 -> 10000: weight = 10^((l^2 + 125 l - 126) / 612), rounded up, with l = log2(shares). The
 * power is not computed: of the whole weights the first whose logarithm is not below is it. */
unsigned cgroup_weight(uint64_t shares)
{
	__extension__ typedef unsigned __int128 wide;
	unsigned low = 1, high = 10000;

	if (shares <= 2)
		return low;
	if (shares >= 262144)
		return high;
	wide l = log2_fixed(shares);
	wide exponent = (l * l >> 40) + 125 * l - ((wide)126 << 40);
	wide wanted = exponent * log2_fixed(10) >> 40;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if ((wide)log2_fixed(middle) * 612 >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* What v1 has and v2 has not: passing it over would leave a limit out that someone relies on. */
static int check_v1_alone(const struct oci_resources *r, struct err *e)
{
	if (r->memory_kernel_bytes > 0)
		return err_set(e, WHERE "memory.kernel: cgroup v2 counts the kernel's memory in "
					"memory.limit; leave it out");
	if (r->memory_kernel_tcp_bytes > 0)
		return err_set(e, WHERE "memory.kernelTCP: cgroup v2 counts socket buffers in "
					"memory.limit; leave it out");
	if (r->memory_has_swappiness)
		return err_set(e, WHERE "memory.swappiness: a cgroup of cgroup v2 has none; leave "
					"it out");
	if (r->memory_disable_oom_killer)
		return err_set(e, WHERE "memory.disableOOMKiller: cgroup v2 cannot turn it off; "
					"leave it out");
	if (r->cpu_realtime_runtime_us || r->cpu_realtime_period_us)
		return err_set(e, WHERE "cpu: cgroup v2 has no realtimeRuntime and realtimePeriod; "
					"leave them out");
	if (r->io_leaf_weight)
		return err_set(e, WHERE "blockIO.leafWeight: cgroup v2 has none; leave it out");
	if (r->has_network)
		return err_set(e, WHERE "network: cgroup v2 has no class and priorities of network "
					"packets; leave it out");
	return 0;
}

/* Of v1's memory+swap. Not given: what is there stays, except that no limit of memory means no
 * limit of swap either. */
static int put_swap(struct cgroup_values *values, struct arena *a, const struct oci_resources *r,
		    struct err *e)
{
	int64_t memory = r->memory_limit_bytes, swap = r->memory_swap_bytes;

	if (memory < 0 && swap == 0)
		swap = -1;
	if (swap > 0 && memory == 0)
		return err_set(e, WHERE "memory.swap: counts memory and swap together, so it needs "
					"memory.limit beside it");
	if (swap > 0 && memory > swap)
		return err_set(e, WHERE "memory.swap: counts memory and swap together, so it must "
					"not be below memory.limit");
	if (swap == 0)
		return 0;
	if (swap > 0 && memory > 0)
		swap -= memory;
	/* A kernel without swap has nothing to limit. */
	put(values, "memory.swap.max", limit_text(a, swap))->optional = true;
	return 0;
}

static int put_memory(struct cgroup_values *values, struct arena *a, const struct oci_resources *r,
		      struct err *e)
{
	/* Swap first: a smaller limit of memory must not be met by swapping out what may not be. */
	if (put_swap(values, a, r, e))
		return -1;
	if (r->memory_limit_bytes)
		put(values, "memory.max", limit_text(a, r->memory_limit_bytes));
	if (r->memory_reservation_bytes)
		put(values, "memory.low", limit_text(a, r->memory_reservation_bytes));
	if (r->memory_check_before_update && r->memory_limit_bytes > 0)
		values->check_memory_bytes = (uint64_t)r->memory_limit_bytes;
	if (r->memory_check_before_update && r->memory_swap_bytes > 0)
		values->check_memory_swap_bytes = (uint64_t)r->memory_swap_bytes;
	return 0;
}

static int put_cpu(struct cgroup_values *values, struct arena *a, const struct oci_resources *r,
		   struct err *e)
{
	uint64_t period = r->cpu_period_us ? r->cpu_period_us : CPU_PERIOD_US;

	if (r->cpu_quota_us > 0 && r->cpu_burst_us > (uint64_t)r->cpu_quota_us)
		return err_set(e, WHERE "cpu.burst: must not be above quota");
	/* An idle group has no weight of its own and refuses one (kernel/sched/core.c). */
	if (r->has_cpu_idle)
		put(values, "cpu.idle", r->cpu_idle ? "1" : "0");
	if (r->cpu_shares && !(r->has_cpu_idle && r->cpu_idle))
		put(values, "cpu.weight", arena_format(a, "%u", cgroup_weight(r->cpu_shares)));
	/* Each of the two is checked against the other's old value: a larger burst comes after its
	 * quota, a smaller one before. */
	if (r->cpu_burst_us)
		put(values, "cpu.max.burst",
		    arena_format(a, "%llu", (unsigned long long)r->cpu_burst_us))
			->again = true;
	if (r->cpu_quota_us > 0)
		put(values, "cpu.max",
		    arena_format(a, "%lld %llu", (long long)r->cpu_quota_us,
				 (unsigned long long)period));
	else if (r->cpu_quota_us < 0 || r->cpu_period_us)
		put(values, "cpu.max", arena_format(a, "max %llu", (unsigned long long)period));
	if (r->cpu_cpus)
		put(values, "cpuset.cpus", r->cpu_cpus);
	if (r->cpu_mems)
		put(values, "cpuset.mems", r->cpu_mems);
	return 0;
}

/* The scheduler bfq takes v1's numbers; blk-iocost 1 .. 10000. */
static unsigned io_weight(unsigned weight)
{
	return weight <= 10 ? 1 : 1 + (weight - 10) * 9999 / 990;
}

static void put_io_weights(struct cgroup_values *values, struct arena *a,
			   const struct oci_resources *r)
{
	struct cgroup_value *v;

	if (r->io_weight) {
		v = put(values, "io.bfq.weight", arena_format(a, "%u", r->io_weight));
		v->other_file = "io.weight";
		v->other_text = arena_format(a, "%u", io_weight(r->io_weight));
	}
	for (size_t i = 0; i < r->io_weight_count; i++) {
		const struct oci_io_weight *w = &r->io_weights[i];

		if (!w->weight)
			continue;
		v = put(values, "io.bfq.weight",
			arena_format(a, "%u:%u %u", w->major, w->minor, w->weight));
		v->other_file = "io.weight";
		v->other_text =
			arena_format(a, "%u:%u %u", w->major, w->minor, io_weight(w->weight));
	}
}

/* One line of io.max: the limits of all four lists for the device of `first`. */
static const char *io_line(struct arena *a, const struct oci_resources *r,
			   const struct oci_io_rate *first)
{
	static const char *const names[] = { "rbps", "wbps", "riops", "wiops" };
	const char *line = arena_format(a, "%u:%u", first->major, first->minor);

	_Static_assert(ARRAY_SIZE(names) == OCI_THROTTLES, "a name for each list");
	for (unsigned k = 0; k < OCI_THROTTLES; k++) {
		const struct oci_io_rate *last = NULL;

		for (size_t i = 0; i < r->io_rate_counts[k]; i++)
			if (r->io_rates[k][i].major == first->major &&
			    r->io_rates[k][i].minor == first->minor)
				last = &r->io_rates[k][i];
		/* 0 was "none" in v1; v2 takes no 0. */
		if (last && last->rate)
			line = arena_format(a, "%s %s=%llu", line, names[k],
					    (unsigned long long)last->rate);
		else if (last)
			line = arena_format(a, "%s %s=max", line, names[k]);
	}
	return line;
}

static bool io_seen(const struct oci_resources *r, unsigned list, size_t index)
{
	const struct oci_io_rate *device = &r->io_rates[list][index];

	for (unsigned k = 0; k <= list; k++)
		for (size_t i = 0; i < (k == list ? index : r->io_rate_counts[k]); i++)
			if (r->io_rates[k][i].major == device->major &&
			    r->io_rates[k][i].minor == device->minor)
				return true;
	return false;
}

static void put_io_rates(struct cgroup_values *values, struct arena *a,
			 const struct oci_resources *r)
{
	for (unsigned k = 0; k < OCI_THROTTLES; k++)
		for (size_t i = 0; i < r->io_rate_counts[k]; i++)
			if (!io_seen(r, k, i))
				put(values, "io.max", io_line(a, r, &r->io_rates[k][i]));
}

static int put_hugepages(struct cgroup_values *values, struct arena *a,
			 const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < r->hugepage_count; i++) {
		const char *size = r->hugepages[i].page_size;
		size_t digits = strspn(size, "0123456789");

		if (!digits || !size[digits] || !strchr("KMG", size[digits]) ||
		    strcmp(size + digits + 1, "B") != 0)
			return err_set(e, WHERE "hugepageLimits[%zu].pageSize: must be like 2MB",
				       i);
		const char *text =
			arena_format(a, "%llu", (unsigned long long)r->hugepages[i].limit_bytes);

		put(values, arena_format(a, "hugetlb.%s.max", size), text);
		put(values, arena_format(a, "hugetlb.%s.rsvd.max", size), text)->optional = true;
	}
	return 0;
}

static int put_rdma(struct cgroup_values *values, struct arena *a, const struct oci_resources *r,
		    struct err *e)
{
	for (size_t i = 0; i < r->rdma_count; i++) {
		const struct oci_rdma_limit *limit = &r->rdma[i];
		const char *line = limit->device;

		if (!*line || strpbrk(line, " \t\n=/"))
			return err_set(e, WHERE "rdma: \"%s\" is no name of a device", line);
		if (limit->has_handles)
			line = arena_format(a, "%s hca_handle=%u", line, limit->handles);
		if (limit->has_objects)
			line = arena_format(a, "%s hca_object=%u", line, limit->objects);
		put(values, "rdma.max", line);
	}
	return 0;
}

/* A key is a file's name in the container's own cgroup and says nothing about processes. */
static int check_unified(const char *key, struct err *e)
{
	static const char *const not_limits[] = { "cgroup.procs", "cgroup.threads", "cgroup.kill",
						  "cgroup.freeze", "cgroup.type",
						  "cgroup.subtree_control" };
	size_t controller = strspn(key, "abcdefghijklmnopqrstuvwxyz_");

	if (strchr(key, '/') || strstr(key, "..") || strchr(key, '\n'))
		return err_set(e, WHERE "unified: \"%s\" is no name of a file in the cgroup", key);
	if (!controller || controller > CONTROLLER_NAME_MAX || key[controller] != '.' ||
	    !key[controller + 1])
		return err_set(e, WHERE "unified: \"%s\" must be CONTROLLER.NAME", key);
	for (size_t i = 0; i < ARRAY_SIZE(not_limits); i++)
		if (str_equal(key, not_limits[i]))
			return err_set(e, WHERE "unified: %s is no limit; leave it out", key);
	return 0;
}

static int put_unified(struct cgroup_values *values, const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < r->unified_count; i++) {
		if (check_unified(r->unified[i].key, e))
			return -1;
		if (r->unified[i].value[0])
			put(values, r->unified[i].key, r->unified[i].value);
	}
	return 0;
}

int cgroup_values_make(struct cgroup_values *values, struct arena *a,
		       const struct oci_resources *r, struct err *e)
{
	size_t most = SINGLE_VALUES_MAX + r->io_weight_count + 2 * r->hugepage_count +
		      r->rdma_count + r->unified_count;

	for (unsigned k = 0; k < OCI_THROTTLES; k++)
		most += r->io_rate_counts[k];
	*values = (struct cgroup_values){ .items = arena_array(a, most, sizeof(*values->items)) };
	if (check_v1_alone(r, e) || put_memory(values, a, r, e) || put_cpu(values, a, r, e))
		return -1;
	if (r->has_pids_limit || r->pids_limit)
		/* The container's first process is made inside the cgroup and must get in: with 1,
		 * as with 0, there is no second one. */
		put(values, "pids.max", limit_text(a, r->pids_limit ? r->pids_limit : 1));
	put_io_weights(values, a, r);
	put_io_rates(values, a, r);
	if (put_hugepages(values, a, r, e) || put_rdma(values, a, r, e))
		return -1;
	/* Last: whoever writes v2's own words means them. */
	return put_unified(values, r, e);
}
