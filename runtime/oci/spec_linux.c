/* spec_linux.c - the object `linux` of config.json: reading. */
#include "oci/spec_linux.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_read.h"
#include "oci/spec_seccomp.h"

static const char *const linux_keys[] = {
	"cgroupsPath", "gidMappings", "maskedPaths", "namespaces",  "readonlyPaths",
	"resources",   "seccomp",     "sysctl",	     "uidMappings", NULL,
};
static const char *const namespace_keys[] = { "type", NULL };
static const char *const map_keys[] = { "containerID", "hostID", "size", NULL };
static const char *const resource_keys[] = { "cpu", "memory", "pids", NULL };
static const char *const memory_keys[] = { "limit", "reservation", "swap", NULL };
static const char *const cpu_keys[] = { "cpus", "mems", "period", "quota", "shares", NULL };
static const char *const pids_keys[] = { "limit", NULL };

static int read_namespaces(const struct spec_reader *r, const struct json *linux_object,
			   struct oci_spec *s, struct err *e)
{
	struct json array;
	int found = spec_array(r, linux_object, "namespaces", &array, e);

	for (size_t i = 0; found > 0 && i < json_count(&array); i++) {
		struct json item = json_at(&array, i);
		const char *type;
		unsigned number;

		if (json_kind(&item) != JSON_OBJECT)
			return spec_bad(r, &item, e, "must be an object");
		if (json_only_keys(&item, namespace_keys, e) ||
		    json_get_str(&item, "type", &type, e))
			return -1;
		if (!oci_namespace_number(type, &number))
			return spec_bad(r, &item, e, "no supported namespace is called \"%s\"",
					type);
		if (s->namespaces & 1u << number)
			return spec_bad(r, &item, e, "%s is given twice", type);
		s->namespaces |= 1u << number;
	}
	return found < 0 ? -1 : 0;
}

static bool ranges_meet(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

static int check_map(const struct spec_reader *r, const struct json *item,
		     const struct oci_id_maps *maps, const struct oci_id_map *m, struct err *e)
{
	if (m->size == 0)
		return spec_bad(r, item, e, "size must not be 0");
	/* The last id, 4294967295, means "none" to the kernel. */
	if ((uint64_t)m->container_id + m->size > UINT32_MAX ||
	    (uint64_t)m->host_id + m->size > UINT32_MAX)
		return spec_bad(r, item, e, "the range ends beyond the largest id");
	for (size_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *o = &maps->items[i];

		if (ranges_meet(m->container_id, m->size, o->container_id, o->size) ||
		    ranges_meet(m->host_id, m->size, o->host_id, o->size))
			return spec_bad(r, item, e, "overlaps mapping %zu", i);
	}
	return 0;
}

static int read_maps(const struct spec_reader *r, const struct json *linux_object, const char *key,
		     struct oci_id_maps *maps, struct err *e)
{
	struct json array;
	int found = spec_array(r, linux_object, key, &array, e);

	if (found > 0)
		maps->items = arena_array(r->arena, json_count(&array) + 1, sizeof(*maps->items));
	for (size_t i = 0; found > 0 && i < json_count(&array); i++) {
		struct json item = json_at(&array, i);
		struct oci_id_map m = { 0 };

		if (maps->count == OCI_ID_MAPS_MAX)
			return spec_bad(r, &array, e, "more than %d mappings", OCI_ID_MAPS_MAX);
		if (json_kind(&item) != JSON_OBJECT)
			return spec_bad(r, &item, e, "must be an object");
		if (json_only_keys(&item, map_keys, e) ||
		    spec_u32(r, &item, "containerID", true, &m.container_id, e) ||
		    spec_u32(r, &item, "hostID", true, &m.host_id, e) ||
		    spec_u32(r, &item, "size", true, &m.size, e) ||
		    check_map(r, &item, maps, &m, e))
			return -1;
		maps->items[maps->count++] = m;
	}
	return found < 0 ? -1 : 0;
}

/* A limit: positive, or -1 for none. 0 is refused, since tools disagree on what it means. */
static int read_limit(const struct spec_reader *r, const struct json *object, const char *key,
		      int64_t *limit, struct err *e)
{
	struct json item = json_member(object, key);

	if (json_kind(&item) == JSON_NONE || json_kind(&item) == JSON_NULL)
		return 0;
	if (json_get_i64(object, key, limit, e))
		return -1;
	if (*limit < -1 || *limit == 0)
		return spec_bad(r, &item, e, "must be positive, or -1 for no limit");
	return 0;
}

static int read_memory(const struct spec_reader *r, const struct json *resources,
		       struct oci_resources *o, struct err *e)
{
	struct json memory;
	int found = spec_object(r, resources, "memory", &memory, e);

	if (found <= 0)
		return found;
	if (json_only_keys(&memory, memory_keys, e) ||
	    read_limit(r, &memory, "limit", &o->memory_limit_bytes, e) ||
	    read_limit(r, &memory, "swap", &o->memory_swap_bytes, e) ||
	    read_limit(r, &memory, "reservation", &o->memory_reservation_bytes, e))
		return -1;
	if (o->memory_swap_bytes > 0 && o->memory_swap_bytes < o->memory_limit_bytes)
		return spec_bad(r, &memory, e,
				"swap counts memory and swap, so it must not be below limit");
	if (o->memory_swap_bytes > 0 && o->memory_limit_bytes <= 0)
		return spec_bad(r, &memory, e, "swap needs a limit");
	return 0;
}

/* "0-3,7": the kernel checks that the CPUs exist; this keeps other bytes away from the control
 * file. */
static bool is_cpu_list(const char *text)
{
	return !text || (text[0] && strspn(text, "0123456789,-") == strlen(text));
}

static int read_cpu(const struct spec_reader *r, const struct json *resources,
		    struct oci_resources *o, struct err *e)
{
	struct json cpu;
	int found = spec_object(r, resources, "cpu", &cpu, e);

	if (found <= 0)
		return found;
	if (json_only_keys(&cpu, cpu_keys, e) ||
	    read_limit(r, &cpu, "quota", &o->cpu_quota_us, e) ||
	    json_opt_u64(&cpu, "period", &o->cpu_period_us, e) ||
	    json_opt_u64(&cpu, "shares", &o->cpu_shares, e) ||
	    spec_string(r, &cpu, "cpus", &o->cpu_cpus, e) ||
	    spec_string(r, &cpu, "mems", &o->cpu_mems, e))
		return -1;
	if (o->cpu_shares && (o->cpu_shares < 2 || o->cpu_shares > 262144))
		return spec_bad(r, &cpu, e, "shares must be from 2 to 262144");
	if (o->cpu_period_us && (o->cpu_period_us < 1000 || o->cpu_period_us > 1000000))
		return spec_bad(r, &cpu, e, "period must be from 1000 to 1000000 microseconds");
	if (!is_cpu_list(o->cpu_cpus) || !is_cpu_list(o->cpu_mems))
		return spec_bad(r, &cpu, e, "cpus and mems must be lists like 0-3,7");
	return 0;
}

static int read_resources(const struct spec_reader *r, const struct json *linux_object,
			  struct oci_resources *o, struct err *e)
{
	struct json object, pids;
	int found = spec_object(r, linux_object, "resources", &object, e);

	if (found <= 0)
		return found;
	if (json_only_keys(&object, resource_keys, e) || read_memory(r, &object, o, e) ||
	    read_cpu(r, &object, o, e))
		return -1;
	found = spec_object(r, &object, "pids", &pids, e);
	if (found <= 0)
		return found;
	return json_only_keys(&pids, pids_keys, e) ||
			       read_limit(r, &pids, "limit", &o->pids_limit, e)
		       ? -1
		       : 0;
}

static int read_paths(const struct spec_reader *r, const struct json *linux_object,
		      struct oci_spec *s, struct err *e)
{
	if (spec_strings(r, linux_object, "maskedPaths", &s->masked_paths, e) ||
	    spec_strings(r, linux_object, "readonlyPaths", &s->readonly_paths, e) ||
	    spec_string(r, linux_object, "cgroupsPath", &s->cgroups_path, e) ||
	    spec_need_absolute(r, linux_object, "maskedPaths", s->masked_paths, e) ||
	    spec_need_absolute(r, linux_object, "readonlyPaths", s->readonly_paths, e))
		return -1;
	if (s->cgroups_path && !spec_is_absolute(s->cgroups_path)) {
		struct json item = json_member(linux_object, "cgroupsPath");

		return spec_bad(r, &item, e, "must be an absolute path without `..`");
	}
	return 0;
}

int spec_linux_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		    struct err *e)
{
	struct json object, seccomp;
	int found = spec_object(r, root, "linux", &object, e);

	if (found < 0)
		return -1;
	if (!found)
		return spec_bad(r, root, e, "linux is missing");
	if (json_only_keys(&object, linux_keys, e) || read_namespaces(r, &object, s, e) ||
	    read_maps(r, &object, "uidMappings", &s->uid_maps, e) ||
	    read_maps(r, &object, "gidMappings", &s->gid_maps, e) ||
	    read_resources(r, &object, &s->resources, e) || read_paths(r, &object, s, e) ||
	    spec_pairs(r, &object, "sysctl", &s->sysctl, &s->sysctl_count, e))
		return -1;
	if (!!(s->namespaces & 1u << OCI_NS_USER) != (s->uid_maps.count && s->gid_maps.count))
		return spec_bad(r, &object, e,
				"a user namespace and uidMappings, gidMappings go together");
	found = spec_object(r, &object, "seccomp", &seccomp, e);
	if (found <= 0)
		return found;
	s->seccomp = arena_alloc(r->arena, sizeof(*s->seccomp));
	return oci_seccomp_read(r, &seccomp, s->seccomp, e);
}
