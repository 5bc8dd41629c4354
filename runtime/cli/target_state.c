/* target_state.c - see target_state.h */
#include "cli/target_state.h"

#include "cli/target.h"
#include "lib/err.h"
#include "oci/spec.h"
#include "oci/state.h"

int target_state_write(const struct target *t, struct arena *a, struct json_writer *w,
		       struct err *e)
{
	struct oci_state state = {
		.id = t->dir.id,
		.status = target_status_name(t->status),
		.pid = t->status == TARGET_STOPPED ? 0 : t->process.pid,
		.bundle = "",
	};
	const struct oci_spec *spec;

	/* Without facts create was cut off before its copy of the configuration was whole. */
	if (t->has_facts) {
		spec = target_spec(t, a, e);
		if (!spec)
			return err_add(e, "container %s", t->dir.id);
		state.bundle = t->facts.bundle;
		state.rootfs = t->facts.rootfs;
		state.created = t->facts.created;
		state.owner = t->facts.owner;
		state.annotations = spec->annotations;
		state.annotation_count = spec->annotation_count;
	}
	oci_state_put(&state, w);
	return 0;
}
