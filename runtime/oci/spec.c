/* spec.c - config.json: the document's root, mounts and annotations; see spec.h */
#include "oci/spec.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec_linux.h"
#include "oci/spec_process.h"
#include "oci/spec_read.h"

static const char *const root_keys[] = {
	"annotations", "hostname", "linux", "mounts", "ociVersion", "process", "root", NULL,
};
static const char *const rootfs_keys[] = { "path", "readonly", NULL };
static const char *const mount_keys[] = { "destination", "options", "source", "type", NULL };

enum { HOST_NAME_LENGTH_MAX = 64 };	/* __NEW_UTS_LEN */

static int read_version(const struct spec_reader *r, const struct json *root, struct err *e)
{
	struct json item = json_member(root, "ociVersion");
	const char *version;

	if (json_get_str(root, "ociVersion", &version, e))
		return -1;
	if (strncmp(version, "1.", 2) != 0)
		return spec_bad(r, &item, e, "\"%s\" is not supported, only 1.x", version);
	return 0;
}

static int read_root(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		     struct err *e)
{
	struct json object;
	int found = spec_object(r, root, "root", &object, e);

	if (found < 0)
		return -1;
	if (!found)
		return spec_bad(r, root, e, "root is missing");
	if (json_only_keys(&object, rootfs_keys, e) ||
	    spec_string(r, &object, "path", &s->root_path, e) ||
	    json_opt_bool(&object, "readonly", &s->root_readonly, e))
		return -1;
	return s->root_path && s->root_path[0] ? 0 : spec_bad(r, &object, e, "path is missing");
}

static int read_mount(const struct spec_reader *r, const struct json *item, struct oci_mount *m,
		      struct err *e)
{
	if (json_kind(item) != JSON_OBJECT)
		return spec_bad(r, item, e, "must be an object");
	if (json_only_keys(item, mount_keys, e) ||
	    spec_string(r, item, "destination", &m->destination, e) ||
	    spec_string(r, item, "type", &m->type, e) ||
	    spec_string(r, item, "source", &m->source, e) ||
	    spec_strings(r, item, "options", &m->options, e))
		return -1;
	if (!spec_is_absolute(m->destination))
		return spec_bad(r, item, e, "destination must be an absolute path without `..`");
	return 0;
}

static int read_mounts(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		       struct err *e)
{
	struct json array;
	int found = spec_array(r, root, "mounts", &array, e);

	if (found <= 0)
		return found;
	s->mount_count = json_count(&array);
	s->mounts = arena_array(r->arena, s->mount_count + 1, sizeof(*s->mounts));
	for (size_t i = 0; i < s->mount_count; i++) {
		struct json item = json_at(&array, i);

		if (read_mount(r, &item, &s->mounts[i], e))
			return -1;
	}
	return 0;
}

static int read_annotations(const struct spec_reader *r, const struct json *root,
			    struct oci_spec *s, struct err *e)
{
	size_t kept = 0;

	if (spec_pairs(r, root, "annotations", &s->annotations, &s->annotation_count, e))
		return -1;
	for (size_t i = 0; i < s->annotation_count; i++) {
		struct oci_pair pair = s->annotations[i];

		if (strcmp(pair.key, OCI_SECCOMP_ANNOTATION) != 0) {
			s->annotations[kept++] = pair;
			continue;
		}
		struct json map = json_member(root, "annotations"),
			    item = json_member(&map, pair.key);

		if (strcmp(pair.value, "default") != 0)
			return spec_bad(r, &item, e, "must be \"default\"");
		if (s->seccomp)
			return spec_bad(r, &item, e, "excludes linux.seccomp");
		s->seccomp_default = true;
	}
	s->annotation_count = kept;
	return 0;
}

static int read_document(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
			 struct err *e)
{
	if (json_kind(root) != JSON_OBJECT)
		return err_set(e, "%s: must be a JSON object", r->name);
	if (json_only_keys(root, root_keys, e) || read_version(r, root, e) ||
	    read_root(r, root, s, e) || spec_process_read(r, root, &s->process, e) ||
	    spec_string(r, root, "hostname", &s->hostname, e) || read_mounts(r, root, s, e) ||
	    spec_linux_read(r, root, s, e) || read_annotations(r, root, s, e))
		return -1;
	if (s->hostname && strlen(s->hostname) > HOST_NAME_LENGTH_MAX)
		return err_set(e, "%s: .hostname: longer than %d bytes", r->name,
			       HOST_NAME_LENGTH_MAX);
	if (s->hostname && !(s->namespaces & 1u << OCI_NS_UTS))
		return err_set(e, "%s: .hostname: needs a uts namespace in .linux.namespaces",
			       r->name);
	return 0;
}

struct oci_spec *oci_spec_parse(struct arena *a, const char *name, const char *text,
				size_t size_bytes, struct err *e)
{
	const struct spec_reader r = { .arena = a, .name = name };
	struct oci_spec *s = arena_alloc(a, sizeof(*s));

	if (size_bytes > OCI_SPEC_BYTES_MAX) {
		err_set(e, "%s: larger than %d bytes", name, OCI_SPEC_BYTES_MAX);
		return NULL;
	}
	struct json_doc *doc = json_parse(name, text, size_bytes, e);

	if (!doc)
		return NULL;
	struct json root = json_root(doc);
	int failed = read_document(&r, &root, s, e);

	json_destroy(doc);
	return failed ? NULL : s;
}
