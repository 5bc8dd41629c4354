/* state.c - see state.h */
#include "oci/state.h"

#include "lib/buf.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_put.h"

void oci_state_put(const struct oci_state *s, struct json_writer *w)
{
	json_begin_object(w);
	spec_put_str(w, "ociVersion", OCI_VERSION);
	spec_put_str(w, "id", s->id);
	spec_put_str(w, "status", s->status);
	spec_put_i64(w, "pid", s->pid);
	spec_put_str(w, "bundle", s->bundle);
	spec_put_str(w, "rootfs", s->rootfs);
	spec_put_str(w, "created", s->created);
	spec_put_str(w, "owner", s->owner);
	spec_put_pairs(w, "annotations", s->annotations, s->annotation_count);
	json_end_object(w);
}

bool oci_state_write(const struct oci_state *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	oci_state_put(s, &w);
	return !out->overflow;
}

bool oci_state_write_seccomp(const struct oci_state *s, pid_t pid, const char *metadata,
			     struct buf *out)
{
	static const char *const fds[] = { "seccompFd", NULL };
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	spec_put_str(&w, "ociVersion", OCI_VERSION);
	spec_put_strings(&w, "fds", fds);
	spec_put_i64(&w, "pid", pid);
	spec_put_str(&w, "metadata", metadata);
	json_key(&w, "state");
	oci_state_put(s, &w);
	json_end_object(&w);
	return !out->overflow;
}
