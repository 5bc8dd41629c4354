/* spec_write.c - oci_spec_write of spec.h: the struct as config.json, in a fixed order
 * of fields. */
#include "lib/buf.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_linux.h"
#include "oci/spec_names.h"
#include "oci/spec_process.h"
#include "oci/spec_seccomp.h"

static void write_mounts(const struct oci_spec *s, struct json_writer *w)
{
	json_begin_array(w);
	for (size_t i = 0; i < s->mount_count; i++) {
		const struct oci_mount *m = &s->mounts[i];

		json_begin_object(w);
		json_key(w, "destination");
		json_put_str(w, m->destination);
		if (m->type) {
			json_key(w, "type");
			json_put_str(w, m->type);
		}
		if (m->source) {
			json_key(w, "source");
			json_put_str(w, m->source);
		}
		if (m->options)
			spec_put_strings(w, "options", m->options);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_pairs(const struct oci_pair *pairs, size_t count, struct json_writer *w)
{
	for (size_t i = 0; i < count; i++) {
		json_key(w, pairs[i].key);
		json_put_str(w, pairs[i].value);
	}
}

static void write_maps(const struct oci_id_maps *maps, const char *key, struct json_writer *w)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < maps->count; i++) {
		json_begin_object(w);
		json_key(w, "containerID");
		json_put_u64(w, maps->items[i].container_id);
		json_key(w, "hostID");
		json_put_u64(w, maps->items[i].host_id);
		json_key(w, "size");
		json_put_u64(w, maps->items[i].size);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_limit(struct json_writer *w, const char *key, int64_t value)
{
	if (value == 0)
		return;
	json_key(w, key);
	json_put_i64(w, value);
}

static void write_cpu(const struct oci_resources *o, struct json_writer *w)
{
	json_begin_object(w);
	put_limit(w, "quota", o->cpu_quota_us);
	put_limit(w, "period", (int64_t)o->cpu_period_us);
	put_limit(w, "shares", (int64_t)o->cpu_shares);
	if (o->cpu_cpus) {
		json_key(w, "cpus");
		json_put_str(w, o->cpu_cpus);
	}
	if (o->cpu_mems) {
		json_key(w, "mems");
		json_put_str(w, o->cpu_mems);
	}
	json_end_object(w);
}

static void write_resources(const struct oci_resources *o, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "memory");
	json_begin_object(w);
	put_limit(w, "limit", o->memory_limit_bytes);
	put_limit(w, "swap", o->memory_swap_bytes);
	put_limit(w, "reservation", o->memory_reservation_bytes);
	json_end_object(w);
	json_key(w, "cpu");
	write_cpu(o, w);
	json_key(w, "pids");
	json_begin_object(w);
	put_limit(w, "limit", o->pids_limit);
	json_end_object(w);
	json_end_object(w);
}

void spec_linux_write(const struct oci_spec *s, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "namespaces");
	json_begin_array(w);
	for (unsigned i = 0; i < OCI_NAMESPACES; i++) {
		if (!(s->namespaces & 1u << i))
			continue;
		json_begin_object(w);
		json_key(w, "type");
		json_put_str(w, oci_namespace_name(i));
		json_end_object(w);
	}
	json_end_array(w);
	if (s->namespaces & 1u << OCI_NS_USER) {
		write_maps(&s->uid_maps, "uidMappings", w);
		write_maps(&s->gid_maps, "gidMappings", w);
	}
	json_key(w, "resources");
	write_resources(&s->resources, w);
	if (s->cgroups_path) {
		json_key(w, "cgroupsPath");
		json_put_str(w, s->cgroups_path);
	}
	spec_put_strings(w, "maskedPaths", s->masked_paths);
	spec_put_strings(w, "readonlyPaths", s->readonly_paths);
	json_key(w, "sysctl");
	json_begin_object(w);
	write_pairs(s->sysctl, s->sysctl_count, w);
	json_end_object(w);
	if (s->seccomp) {
		json_key(w, "seccomp");
		oci_seccomp_write(s->seccomp, w);
	}
	json_end_object(w);
}

bool oci_spec_write(const struct oci_spec *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	json_key(&w, "ociVersion");
	json_put_str(&w, "1.2.0");
	json_key(&w, "process");
	spec_process_write(&s->process, &w);
	json_key(&w, "root");
	json_begin_object(&w);
	json_key(&w, "path");
	json_put_str(&w, s->root_path);
	json_key(&w, "readonly");
	json_put_bool(&w, s->root_readonly);
	json_end_object(&w);
	if (s->hostname) {
		json_key(&w, "hostname");
		json_put_str(&w, s->hostname);
	}
	json_key(&w, "mounts");
	write_mounts(s, &w);
	json_key(&w, "linux");
	spec_linux_write(s, &w);
	json_key(&w, "annotations");
	json_begin_object(&w);
	write_pairs(s->annotations, s->annotation_count, &w);
	if (s->seccomp_default) {
		json_key(&w, OCI_SECCOMP_ANNOTATION);
		json_put_str(&w, "default");
	}
	json_end_object(&w);
	json_end_object(&w);
	return !out->overflow;
}
