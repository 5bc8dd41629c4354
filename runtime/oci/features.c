/* features.c - see features.h */
#include "oci/features.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_put.h"

#define OCI_VERSION_MIN "1.0.0"
#define OWN_ARCH	"SCMP_ARCH_X86_64"

static void put_words(struct json_writer *w, const char *key, const struct spec_word *words)
{
	json_key(w, key);
	json_begin_array(w);
	for (; words->name[0]; words++)
		json_put_str(w, words->name);
	json_end_array(w);
}

/* The names 0 .. count - 1 of an enumeration. */
static void put_names(struct json_writer *w, const char *key, const char *(*name_of)(unsigned),
		      unsigned count)
{
	json_key(w, key);
	json_begin_array(w);
	for (unsigned i = 0; i < count; i++)
		json_put_str(w, name_of(i));
	json_end_array(w);
}

static void put_enabled(struct json_writer *w, const char *key, bool enabled)
{
	json_key(w, key);
	json_begin_object(w);
	spec_put_bool(w, "enabled", enabled);
	json_end_object(w);
}

static void put_cgroup(const struct features *f, struct json_writer *w)
{
	json_key(w, "cgroup");
	json_begin_object(w);
	spec_put_bool(w, "v1", false);
	spec_put_bool(w, "v2", true);
	spec_put_bool(w, "systemd", f->systemd);
	spec_put_bool(w, "systemdUser", f->systemd);
	spec_put_bool(w, "rdma", f->rdma);
	json_end_object(w);
}

static void put_seccomp(struct json_writer *w)
{
	json_key(w, "seccomp");
	json_begin_object(w);
	spec_put_bool(w, "enabled", true);
	put_words(w, "actions", spec_seccomp_actions);
	put_words(w, "operators", spec_seccomp_ops);
	/* The others are read, and what they would call is always refused. */
	json_key(w, "archs");
	json_begin_array(w);
	json_put_str(w, OWN_ARCH);
	json_end_array(w);
	put_words(w, "knownFlags", spec_seccomp_flags);
	put_words(w, "supportedFlags", spec_seccomp_flags);
	json_end_object(w);
}

static void put_linux(const struct features *f, struct json_writer *w)
{
	json_key(w, "linux");
	json_begin_object(w);
	put_names(w, "namespaces", oci_namespace_name, OCI_NAMESPACES);
	put_names(w, "capabilities", oci_cap_name, OCI_CAPS);
	put_cgroup(f, w);
	put_seccomp(w);
	put_enabled(w, "apparmor", true);
	put_enabled(w, "selinux", false);
	json_key(w, "intelRdt");
	json_begin_object(w);
	spec_put_bool(w, "enabled", false);
	spec_put_bool(w, "schemata", false);
	spec_put_bool(w, "monitoring", false);
	json_end_object(w);
	json_key(w, "memoryPolicy");
	json_begin_object(w);
	put_words(w, "modes", spec_memory_modes);
	put_words(w, "flags", spec_memory_flags);
	json_end_object(w);
	json_key(w, "mountExtensions");
	json_begin_object(w);
	put_enabled(w, "idmap", true);
	json_end_object(w);
	put_enabled(w, "netDevices", f->net_devices);
	json_end_object(w);
}

bool features_write(const struct features *f, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	spec_put_str(&w, "ociVersionMin", OCI_VERSION_MIN);
	spec_put_str(&w, "ociVersionMax", OCI_VERSION);
	put_names(&w, "hooks", oci_hook_name, OCI_HOOKS);
	spec_put_strings(&w, "mountOptions", f->mount_options);
	put_linux(f, &w);
	spec_put_pairs(&w, "annotations", f->annotations, f->annotation_count);
	spec_put_strings(&w, "potentiallyUnsafeConfigAnnotations", f->unsafe_annotations);
	json_end_object(&w);
	return !out->overflow;
}
