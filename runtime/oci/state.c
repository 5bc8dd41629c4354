/* state.c - see state.h */
#include "oci/state.h"

#include "lib/buf.h"
#include "lib/json.h"
#include "oci/spec.h"

void oci_state_put(const struct oci_state *s, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "ociVersion");
	json_put_str(w, "1.3.0");
	json_key(w, "id");
	json_put_str(w, s->id);
	json_key(w, "status");
	json_put_str(w, s->status);
	if (s->pid) {
		json_key(w, "pid");
		json_put_i64(w, s->pid);
	}
	json_key(w, "bundle");
	json_put_str(w, s->bundle);
	json_key(w, "annotations");
	json_begin_object(w);
	for (size_t i = 0; i < s->annotation_count; i++) {
		json_key(w, s->annotations[i].key);
		json_put_str(w, s->annotations[i].value);
	}
	json_end_object(w);
	json_end_object(w);
}

bool oci_state_write(const struct oci_state *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	oci_state_put(s, &w);
	return !out->overflow;
}
