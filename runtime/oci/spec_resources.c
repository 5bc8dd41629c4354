/* spec_resources.c - the object `resources` of config.json's linux: limits of the control group
 * (config-linux.md "Control groups"); devices and blockIO stand in spec_devices.c and spec_io.c. */
#include <ctype.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const resource_keys[] = { "blockIO", "cpu",	   "devices", "hugepageLimits",
					     "memory",	"network", "pids",    "rdma",
					     "unified", NULL };
static const char *const memory_keys[] = {
	"checkBeforeUpdate", "disableOOMKiller", "kernel",     "kernelTCP",    "limit",
	"reservation",	     "swap",		 "swappiness", "useHierarchy", NULL,
};
static const char *const cpu_keys[] = {
	"burst",  "cpus",  "idle",	     "mems",		"period",
	"quota",  "realtimePeriod", "realtimeRuntime", "shares", NULL,
};
static const char *const pids_keys[] = { "limit", NULL };
static const char *const page_keys[] = { "limit", "pageSize", NULL };
static const char *const rdma_keys[] = { "hcaHandles", "hcaObjects", NULL };
static const char *const network_keys[] = { "classID", "priorities", NULL };

/* A limit: positive, or -1 for none. What 0 means, tools disagree on: it is refused here, and in
 * another maker's document "not given", as the Go bindings write and runc reads it. */
static int read_limit(const struct spec_reader *r, const struct json *object, const char *key,
		      int64_t *limit, struct err *e)
{
	struct json item = json_member(object, key);

	if (json_kind(&item) == JSON_NONE || json_kind(&item) == JSON_NULL)
		return 0;
	if (json_as_i64(&item, limit, e))
		return -1;
	if (*limit < -1 || (*limit == 0 && !r->bundle))
		return spec_bad(r, &item, e, "must be positive, or -1 for no limit");
	return 0;
}

static int read_memory(const struct spec_reader *r, const struct json *resources,
		       struct oci_resources *o, struct err *e)
{
	struct json memory;
	bool hierarchy = true;
	int64_t swappiness = 0;
	int found = spec_object(r, resources, "memory", &memory, e), given;

	if (found <= 0)
		return found;
	if (spec_keys(r, &memory, memory_keys, e) ||
	    read_limit(r, &memory, "limit", &o->memory_limit_bytes, e) ||
	    read_limit(r, &memory, "swap", &o->memory_swap_bytes, e) ||
	    read_limit(r, &memory, "reservation", &o->memory_reservation_bytes, e) ||
	    read_limit(r, &memory, "kernel", &o->memory_kernel_bytes, e) ||
	    read_limit(r, &memory, "kernelTCP", &o->memory_kernel_tcp_bytes, e) ||
	    json_opt_bool(&memory, "disableOOMKiller", &o->memory_disable_oom_killer, e) ||
	    json_opt_bool(&memory, "checkBeforeUpdate", &o->memory_check_before_update, e) ||
	    json_opt_bool(&memory, "useHierarchy", &hierarchy, e))	/* v2 always has one */
		return -1;
	given = spec_number(r, &memory, "swappiness", 0, 100, &swappiness, e);
	if (given < 0)
		return -1;
	o->memory_has_swappiness = given;
	o->memory_swappiness = (uint64_t)swappiness;
	if (o->memory_swap_bytes > 0 && o->memory_limit_bytes <= 0)
		return spec_bad(r, &memory, e, "swap needs a limit");
	if (o->memory_swap_bytes > 0 && o->memory_swap_bytes < o->memory_limit_bytes)
		return spec_bad(r, &memory, e,
				"swap counts memory and swap, so it must not be below limit");
	return 0;
}

static int check_cpu(const struct spec_reader *r, const struct json *cpu,
		     const struct oci_resources *o, struct err *e)
{
	if (o->cpu_shares && (o->cpu_shares < 2 || o->cpu_shares > 262144))
		return spec_bad(r, cpu, e, "shares must be from 2 to 262144");
	if (o->cpu_period_us && (o->cpu_period_us < 1000 || o->cpu_period_us > 1000000))
		return spec_bad(r, cpu, e, "period must be from 1000 to 1000000 microseconds");
	if (o->cpu_quota_us > 0 && o->cpu_burst_us > (uint64_t)o->cpu_quota_us)
		return spec_bad(r, cpu, e, "burst must not be above quota");
	return 0;
}

static int read_cpu(const struct spec_reader *r, const struct json *resources,
		    struct oci_resources *o, struct err *e)
{
	struct json cpu;
	int found = spec_object(r, resources, "cpu", &cpu, e), idle;

	if (found <= 0)
		return found;
	if (spec_keys(r, &cpu, cpu_keys, e) || read_limit(r, &cpu, "quota", &o->cpu_quota_us, e) ||
	    json_opt_u64(&cpu, "period", &o->cpu_period_us, e) ||
	    json_opt_u64(&cpu, "burst", &o->cpu_burst_us, e) ||
	    json_opt_u64(&cpu, "shares", &o->cpu_shares, e) ||
	    read_limit(r, &cpu, "realtimeRuntime", &o->cpu_realtime_runtime_us, e) ||
	    json_opt_u64(&cpu, "realtimePeriod", &o->cpu_realtime_period_us, e) ||
	    spec_cpus(r, &cpu, "cpus", &o->cpu_cpus, e) ||
	    spec_cpus(r, &cpu, "mems", &o->cpu_mems, e))
		return -1;
	idle = spec_number(r, &cpu, "idle", 0, 1, &o->cpu_idle, e);
	if (idle < 0)
		return -1;
	o->has_cpu_idle = idle;
	return check_cpu(r, &cpu, o, e);
}

static int read_pids(const struct spec_reader *r, const struct json *resources,
		     struct oci_resources *o, struct err *e)
{
	struct json pids;
	int found = spec_object(r, resources, "pids", &pids, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &pids, pids_keys, e))
		return -1;
	found = spec_number(r, &pids, "limit", -1, INT64_MAX, &o->pids_limit, e);
	o->has_pids_limit = found > 0;
	return found < 0 ? -1 : 0;
}

/* "64KB", "2MB", "1GB": part of a file's name. */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits <= 4 && text[0] != '0' && text[digits] &&
	       strchr("KMG", text[digits]) && strcmp(text + digits + 1, "B") == 0;
}

static int read_page_limit(const struct spec_reader *r, const struct json *item, void *out,
			   struct err *e)
{
	struct oci_hugepage_limit *limit = out;
	struct json at = json_member(item, "pageSize");

	if (spec_keys(r, item, page_keys, e) ||
	    spec_required(r, item, "pageSize", &limit->page_size, e) ||
	    json_get_u64(item, "limit", &limit->limit_bytes, e))
		return -1;
	if (!is_page_size(limit->page_size))
		return spec_bad(r, &at, e, "must be a size like 64KB, 2MB or 1GB");
	return 0;
}

static int read_pages(const struct spec_reader *r, const struct json *resources,
		      struct oci_resources *o, struct err *e)
{
	void *items = NULL;

	if (spec_list(r, resources, "hugepageLimits", sizeof(*o->hugepages), read_page_limit,
		      &items, &o->hugepage_count, e) < 0)
		return -1;
	o->hugepages = items;
	return 0;
}

static int read_rdma(const struct spec_reader *r, const struct json *resources,
		     struct oci_resources *o, struct err *e)
{
	struct json map;
	int found = spec_object(r, resources, "rdma", &map, e);

	if (found <= 0)
		return found;
	o->rdma = arena_array(r->arena, json_count(&map) + 1, sizeof(*o->rdma));
	for (; o->rdma_count < json_count(&map); o->rdma_count++) {
		struct oci_rdma_limit *limit = &o->rdma[o->rdma_count];
		const char *device;
		struct json item = json_member_at(&map, o->rdma_count, &device);

		if (spec_keys(r, &item, rdma_keys, e) ||
		    spec_u32(r, &item, "hcaHandles", false, &limit->handles, e) ||
		    spec_u32(r, &item, "hcaObjects", false, &limit->objects, e))
			return -1;
		limit->device = arena_str(r->arena, device);
		limit->has_handles = spec_given(&item, "hcaHandles");
		limit->has_objects = spec_given(&item, "hcaObjects");
		if (!limit->has_handles && !limit->has_objects)
			return spec_bad(r, &item, e, "needs hcaHandles or hcaObjects");
		/* A word of the control file's line. */
		for (const char *p = device; *p; p++)
			if (isspace((unsigned char)*p))
				return spec_bad(r, &item, e, "a device's name has no blanks");
		if (!*device)
			return spec_bad(r, &item, e, "the device has no name");
	}
	return 0;
}

static int read_network(const struct spec_reader *r, const struct json *resources,
			struct oci_resources *o, struct err *e)
{
	struct json network, priorities;
	uint32_t class = 0;
	int found = spec_object(r, resources, "network", &network, e);

	if (found <= 0)
		return found;
	o->has_network = true;
	return spec_keys(r, &network, network_keys, e) ||
			       spec_u32(r, &network, "classID", false, &class, e) ||
			       spec_array(r, &network, "priorities", &priorities, e) < 0
		       ? -1
		       : 0;
}

static int read_unified(const struct spec_reader *r, const struct json *resources,
			struct oci_resources *o, struct err *e)
{
	struct json map = json_member(resources, "unified");

	if (spec_pairs(r, resources, "unified", &o->unified, &o->unified_count, e))
		return -1;
	for (size_t i = 0; i < o->unified_count; i++) {
		const char *file;
		struct json item = json_member_at(&map, i, &file);

		/* Every file of a cgroup is called CONTROLLER.NAME. */
		if (!strchr(file, '.') || file[0] == '.' || strchr(file, '/'))
			return spec_bad(r, &item, e,
					"must be the name of a control file, like memory.high");
	}
	return 0;
}

int spec_resources_read(const struct spec_reader *r, const struct json *object,
			struct oci_resources *o, struct err *e)
{
	return spec_keys(r, object, resource_keys, e) || read_memory(r, object, o, e) ||
			       read_cpu(r, object, o, e) || read_pids(r, object, o, e) ||
			       spec_io_read(r, object, o, e) || read_pages(r, object, o, e) ||
			       read_rdma(r, object, o, e) || read_network(r, object, o, e) ||
			       spec_devices_read_rules(r, object, o, e) ||
			       read_unified(r, object, o, e)
		       ? -1
		       : 0;
}

static void write_memory(const struct oci_resources *o, struct json_writer *w)
{
	json_key(w, "memory");
	json_begin_object(w);
	spec_put_given(w, "limit", o->memory_limit_bytes);
	spec_put_given(w, "swap", o->memory_swap_bytes);
	spec_put_given(w, "reservation", o->memory_reservation_bytes);
	spec_put_given(w, "kernel", o->memory_kernel_bytes);
	spec_put_given(w, "kernelTCP", o->memory_kernel_tcp_bytes);
	if (o->memory_has_swappiness)
		spec_put_u64(w, "swappiness", o->memory_swappiness);
	if (o->memory_disable_oom_killer)
		spec_put_bool(w, "disableOOMKiller", true);
	if (o->memory_check_before_update)
		spec_put_bool(w, "checkBeforeUpdate", true);
	json_end_object(w);
}

static void write_cpu(const struct oci_resources *o, struct json_writer *w)
{
	json_key(w, "cpu");
	json_begin_object(w);
	spec_put_given(w, "quota", o->cpu_quota_us);
	if (o->cpu_period_us)
		spec_put_u64(w, "period", o->cpu_period_us);
	if (o->cpu_burst_us)
		spec_put_u64(w, "burst", o->cpu_burst_us);
	if (o->cpu_shares)
		spec_put_u64(w, "shares", o->cpu_shares);
	if (o->has_cpu_idle)
		spec_put_i64(w, "idle", o->cpu_idle);
	spec_put_given(w, "realtimeRuntime", o->cpu_realtime_runtime_us);
	if (o->cpu_realtime_period_us)
		spec_put_u64(w, "realtimePeriod", o->cpu_realtime_period_us);
	spec_put_str(w, "cpus", o->cpu_cpus);
	spec_put_str(w, "mems", o->cpu_mems);
	json_end_object(w);
}

static void write_pages(const struct oci_resources *o, struct json_writer *w)
{
	json_key(w, "hugepageLimits");
	json_begin_array(w);
	for (size_t i = 0; i < o->hugepage_count; i++) {
		json_begin_object(w);
		spec_put_str(w, "pageSize", o->hugepages[i].page_size);
		spec_put_u64(w, "limit", o->hugepages[i].limit_bytes);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_rdma(const struct oci_resources *o, struct json_writer *w)
{
	json_key(w, "rdma");
	json_begin_object(w);
	for (size_t i = 0; i < o->rdma_count; i++) {
		json_key(w, o->rdma[i].device);
		json_begin_object(w);
		if (o->rdma[i].has_handles)
			spec_put_u64(w, "hcaHandles", o->rdma[i].handles);
		if (o->rdma[i].has_objects)
			spec_put_u64(w, "hcaObjects", o->rdma[i].objects);
		json_end_object(w);
	}
	json_end_object(w);
}

void spec_resources_write(const struct oci_resources *o, struct json_writer *w)
{
	json_begin_object(w);
	write_memory(o, w);
	write_cpu(o, w);
	json_key(w, "pids");
	json_begin_object(w);
	if (o->has_pids_limit || o->pids_limit)
		spec_put_i64(w, "limit", o->pids_limit);
	json_end_object(w);
	spec_io_write(o, w);
	if (o->hugepage_count)
		write_pages(o, w);
	if (o->rdma_count)
		write_rdma(o, w);
	if (o->has_network) {
		json_key(w, "network");
		json_begin_object(w);
		json_end_object(w);
	}
	spec_devices_write_rules(o, w);
	if (o->unified_count)
		spec_put_pairs(w, "unified", o->unified, o->unified_count);
	json_end_object(w);
}
