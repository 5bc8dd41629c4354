/* spec_namespaces.c - `namespaces`, `timeOffsets` and the id mappings of config.json's linux
 * (config-linux.md "Namespaces", "User namespace mappings", "Offset for Time Namespace"). */
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const namespace_keys[] = { "path", "type", NULL };
static const char *const map_keys[] = { "containerID", "hostID", "size", NULL };
static const char *const clock_names[] = { "boottime", "monotonic", NULL };
static const char *const offset_keys[] = { "nanosecs", "secs", NULL };

static int read_namespace(const struct spec_reader *r, const struct json *item, unsigned index,
			  struct oci_spec *s, struct err *e)
{
	struct json at = json_member(item, "path");
	const char *type, *path = NULL;
	unsigned number;

	if (spec_keys(r, item, namespace_keys, e) || json_get_str(item, "type", &type, e) ||
	    spec_string(r, item, "path", &path, e))
		return -1;
	if (!oci_namespace_number(type, &number))
		return spec_bad(r, item, e, "no supported namespace is called \"%s\"", type);
	if (s->namespaces & 1u << number || s->namespace_paths[number])
		return spec_bad(r, item, e, "%s is given twice", type);
	if (path && path[0] != '/')
		return spec_bad(r, &at, e, "must be an absolute path, not \"%s\"", path);
	s->namespace_items[number] = index;
	if (path)
		s->namespace_paths[number] = path;
	else
		s->namespaces |= 1u << number;
	return 0;
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

int spec_id_maps_read(const struct spec_reader *r, const struct json *object, const char *key,
		      struct oci_id_maps *maps, struct err *e)
{
	struct json array;
	int found = spec_array(r, object, key, &array, e);

	if (found <= 0)
		return found;
	maps->items = arena_array(r->arena, json_count(&array) + 1, sizeof(*maps->items));
	for (size_t i = 0; i < json_count(&array); i++) {
		struct json item = json_at(&array, i);
		struct oci_id_map m = { 0 };

		if (maps->count == OCI_ID_MAPS_MAX)
			return spec_bad(r, &array, e, "more than %d mappings", OCI_ID_MAPS_MAX);
		if (spec_keys(r, &item, map_keys, e) ||
		    spec_u32(r, &item, "containerID", true, &m.container_id, e) ||
		    spec_u32(r, &item, "hostID", true, &m.host_id, e) ||
		    spec_u32(r, &item, "size", true, &m.size, e) ||
		    check_map(r, &item, maps, &m, e))
			return -1;
		maps->items[maps->count++] = m;
	}
	return 0;
}

/* A joined user namespace has its mappings already; engines that write some all the same exist. */
static int read_maps(const struct spec_reader *r, const struct json *linux_object,
		     struct oci_spec *s, struct err *e)
{
	bool joined = s->namespace_paths[OCI_NS_USER], new = s->namespaces & 1u << OCI_NS_USER;

	if (spec_id_maps_read(r, linux_object, "uidMappings", &s->uid_maps, e) ||
	    spec_id_maps_read(r, linux_object, "gidMappings", &s->gid_maps, e))
		return -1;
	/* `crun spec --rootless` leaves both out: whoever runs the bundle fills them in. */
	if (r->bundle && new && !s->uid_maps.count && !s->gid_maps.count)
		return 0;
	if (!s->uid_maps.count != !s->gid_maps.count ||
	    (!joined && new != (s->uid_maps.count > 0)))
		return spec_bad(r, linux_object, e,
				"a user namespace and uidMappings, gidMappings go together");
	return 0;
}

static int read_offset(const struct spec_reader *r, const struct json *clocks, const char *name,
		       struct oci_time_offset *offset, struct err *e)
{
	struct json object;
	int64_t nanoseconds = 0;
	int found = spec_object(r, clocks, name, &object, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &object, offset_keys, e) ||
	    spec_number(r, &object, "secs", INT64_MIN, INT64_MAX, &offset->seconds, e) < 0 ||
	    spec_number(r, &object, "nanosecs", 0, 999999999, &nanoseconds, e) < 0)
		return -1;
	offset->given = true;
	offset->nanoseconds = (uint32_t)nanoseconds;
	return 0;
}

static int read_offsets(const struct spec_reader *r, const struct json *linux_object,
			struct oci_spec *s, struct err *e)
{
	struct json clocks;
	int found = spec_object(r, linux_object, "timeOffsets", &clocks, e);

	if (found <= 0)
		return found;
	/* The names are values of an enumeration here: unknown ones are wrong in a bundle too. */
	if (json_only_keys(&clocks, clock_names, e) ||
	    read_offset(r, &clocks, "monotonic", &s->time_monotonic, e) ||
	    read_offset(r, &clocks, "boottime", &s->time_boottime, e))
		return -1;
	if (json_count(&clocks) && !(s->namespaces & 1u << OCI_NS_TIME))
		return spec_bad(r, &clocks, e, "needs a new time namespace in .linux.namespaces");
	return 0;
}

int spec_namespaces_read(const struct spec_reader *r, const struct json *linux_object,
			 struct oci_spec *s, struct err *e)
{
	struct json array;
	int found = spec_array(r, linux_object, "namespaces", &array, e);

	if (found < 0)
		return -1;
	for (size_t i = 0; found && i < json_count(&array); i++) {
		struct json item = json_at(&array, i);

		if (read_namespace(r, &item, (unsigned)i, s, e))
			return -1;
	}
	return read_maps(r, linux_object, s, e) || read_offsets(r, linux_object, s, e) ? -1 : 0;
}

void spec_id_maps_write(const struct oci_id_maps *maps, const char *key, struct json_writer *w)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < maps->count; i++) {
		json_begin_object(w);
		spec_put_u64(w, "containerID", maps->items[i].container_id);
		spec_put_u64(w, "hostID", maps->items[i].host_id);
		spec_put_u64(w, "size", maps->items[i].size);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_offset(const struct oci_time_offset *offset, const char *name,
			 struct json_writer *w)
{
	if (!offset->given)
		return;
	json_key(w, name);
	json_begin_object(w);
	spec_put_i64(w, "secs", offset->seconds);
	spec_put_u64(w, "nanosecs", offset->nanoseconds);
	json_end_object(w);
}

void spec_namespaces_write(const struct oci_spec *s, struct json_writer *w)
{
	json_key(w, "namespaces");
	json_begin_array(w);
	for (unsigned i = 0; i < OCI_NAMESPACES; i++) {
		if (!(s->namespaces & 1u << i) && !s->namespace_paths[i])
			continue;
		json_begin_object(w);
		spec_put_str(w, "type", oci_namespace_name(i));
		spec_put_str(w, "path", s->namespace_paths[i]);
		json_end_object(w);
	}
	json_end_array(w);
	if (s->uid_maps.count) {
		spec_id_maps_write(&s->uid_maps, "uidMappings", w);
		spec_id_maps_write(&s->gid_maps, "gidMappings", w);
	}
	if (s->time_monotonic.given || s->time_boottime.given) {
		json_key(w, "timeOffsets");
		json_begin_object(w);
		write_offset(&s->time_monotonic, "monotonic", w);
		write_offset(&s->time_boottime, "boottime", w);
		json_end_object(w);
	}
}
