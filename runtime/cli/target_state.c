/* target_state.c - see target_state.h */
#include "cli/target_state.h"

#include "cli/target.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"

static void put_text(struct json_writer *w, const char *key, const char *value)
{
	json_key(w, key);
	json_put_str(w, value ? value : "");
}

int target_state_write(const struct target *t, struct arena *a, struct json_writer *w,
		       struct err *e)
{
	const struct oci_spec *spec = NULL;

	/* Without facts create was cut off before its copy of the configuration was whole. */
	if (t->has_facts) {
		spec = target_spec(t, a, e);
		if (!spec)
			return err_add(e, "container %s", t->dir.id);
	}
	json_begin_object(w);
	put_text(w, "ociVersion", "1.3.0");
	put_text(w, "id", t->dir.id);
	put_text(w, "status", target_status_name(t->status));
	json_key(w, "pid");
	json_put_i64(w, t->status == TARGET_STOPPED ? 0 : t->process.pid);
	put_text(w, "bundle", t->facts.bundle);
	put_text(w, "rootfs", t->facts.rootfs);
	put_text(w, "created", t->facts.created);
	put_text(w, "owner", t->facts.owner);
	if (spec && spec->annotation_count > 0) {
		json_key(w, "annotations");
		json_begin_object(w);
		for (size_t i = 0; i < spec->annotation_count; i++)
			put_text(w, spec->annotations[i].key, spec->annotations[i].value);
		json_end_object(w);
	}
	json_end_object(w);
	return 0;
}
