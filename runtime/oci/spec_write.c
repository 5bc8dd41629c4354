/* spec_write.c - oci_spec_write of spec.h: the struct as config.json, in a fixed order
 * of fields. */
#include "lib/buf.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"

static void write_annotations(const struct oci_spec *s, struct json_writer *w)
{
	json_key(w, "annotations");
	json_begin_object(w);
	for (size_t i = 0; i < s->annotation_count; i++)
		spec_put_str(w, s->annotations[i].key, s->annotations[i].value);
	if (s->seccomp_default)
		spec_put_str(w, OCI_SECCOMP_ANNOTATION, "default");
	json_end_object(w);
}

bool oci_process_write(const struct oci_process *p, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	spec_process_write(p, &w);
	return !out->overflow;
}

bool oci_spec_write(const struct oci_spec *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	spec_put_str(&w, "ociVersion", OCI_VERSION);
	if (s->process.args) {
		json_key(&w, "process");
		spec_process_write(&s->process, &w);
	}
	json_key(&w, "root");
	json_begin_object(&w);
	spec_put_str(&w, "path", s->root_path);
	spec_put_bool(&w, "readonly", s->root_readonly);
	json_end_object(&w);
	spec_put_str(&w, "hostname", s->hostname);
	spec_put_str(&w, "domainname", s->domainname);
	spec_mounts_write(s, &w);
	spec_hooks_write(s, &w);
	spec_linux_write(s, &w);
	write_annotations(s, &w);
	json_end_object(&w);
	return !out->overflow;
}
