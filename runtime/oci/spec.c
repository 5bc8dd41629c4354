/* spec.c - config.json: the document's root; see spec.h */
#include "oci/spec.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec_parts.h"
#include "oci/spec_read.h"

static const char *const root_keys[] = {
	"annotations", "domainname", "hooks",	"hostname", "linux",
	"mounts",      "ociVersion", "process", "root",	    NULL,
};
static const char *const rootfs_keys[] = { "path", "readonly", NULL };

enum { HOST_NAME_LENGTH_MAX = 64 };	/* __NEW_UTS_LEN */

/* MAJOR.MINOR.PATCH with what may follow (semver.org); the major version decides. */
static bool is_version(const char *text)
{
	for (int part = 0; part < 3; part++) {
		size_t digits = strspn(text, "0123456789");

		if (!digits || (digits > 1 && *text == '0'))
			return false;
		text += digits;
		if (part < 2 && *text++ != '.')
			return false;
	}
	return *text == '\0' || *text == '-' || *text == '+';
}

static int read_version(const struct spec_reader *r, const struct json *root, struct err *e)
{
	struct json item = json_member(root, "ociVersion");
	const char *version;

	if (json_get_str(root, "ociVersion", &version, e))
		return -1;
	if (!is_version(version))
		return spec_bad(r, &item, e, "\"%s\" is no version like 1.3.0", version);
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
		return spec_bad(r, root, e, ".root: is missing");
	if (spec_keys(r, &object, rootfs_keys, e) ||
	    spec_string(r, &object, "path", &s->root_path, e) ||
	    json_opt_bool(&object, "readonly", &s->root_readonly, e))
		return -1;
	return s->root_path && s->root_path[0]
		       ? 0
		       : spec_bad(r, &object, e,
				  "path is missing: name the folder that is the container's root");
}

static int read_process(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
			struct err *e)
{
	struct json object;
	int found = spec_object(r, root, "process", &object, e);

	if (found < 0)
		return -1;
	s->has_process = found;
	if (!found)
		return r->bundle ? 0 : spec_bad(r, root, e, "process is missing");
	return spec_process_read(r, &object, &s->process, e);
}

static int read_host_name(const struct spec_reader *r, const struct json *root, const char *key,
			  const struct oci_spec *s, const char **name, struct err *e)
{
	struct json item = json_member(root, key);

	if (spec_string(r, root, key, name, e))
		return -1;
	if (*name && r->bundle && !**name)
		*name = NULL;
	if (!*name)
		return 0;
	if (strlen(*name) > HOST_NAME_LENGTH_MAX)
		return spec_bad(r, &item, e, "longer than %d bytes", HOST_NAME_LENGTH_MAX);
	if (!(s->namespaces & 1u << OCI_NS_UTS) && !s->namespace_paths[OCI_NS_UTS])
		return spec_bad(r, &item, e, "needs a uts namespace in .linux.namespaces");
	return 0;
}

static int read_annotations(const struct spec_reader *r, const struct json *root,
			    struct oci_spec *s, struct err *e)
{
	struct json map = json_member(root, "annotations");
	size_t kept = 0;

	if (spec_pairs(r, root, "annotations", &s->annotations, &s->annotation_count, e))
		return -1;
	for (size_t i = 0; i < s->annotation_count; i++) {
		struct oci_pair pair = s->annotations[i];

		if (!*pair.key)
			return spec_bad(r, &map, e, "a key is empty");
		if (strcmp(pair.key, OCI_SECCOMP_ANNOTATION) != 0) {
			s->annotations[kept++] = pair;
			continue;
		}
		struct json item = json_member(&map, pair.key);

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
	return spec_keys(r, root, root_keys, e) || read_version(r, root, e) ||
			       read_root(r, root, s, e) || read_process(r, root, s, e) ||
			       spec_mounts_read(r, root, s, e) || spec_linux_read(r, root, s, e) ||
			       read_host_name(r, root, "hostname", s, &s->hostname, e) ||
			       read_host_name(r, root, "domainname", s, &s->domainname, e) ||
			       read_annotations(r, root, s, e) || spec_hooks_read(r, root, s, e)
		       ? -1
		       : 0;
}

/* NULL, or a document whose root is an object. */
static struct json_doc *open_document(const char *name, const char *text, size_t size_bytes,
				      struct err *e)
{
	struct json_doc *doc;

	if (size_bytes > OCI_SPEC_BYTES_MAX) {
		err_set(e, "%s: larger than %d bytes", name, OCI_SPEC_BYTES_MAX);
		return NULL;
	}
	doc = json_parse(name, text, size_bytes, e);
	if (doc) {
		struct json root = json_root(doc);

		if (json_kind(&root) == JSON_OBJECT)
			return doc;
		err_set(e, "%s: must be a JSON object", name);
		json_destroy(doc);
	}
	return NULL;
}

static struct oci_spec *parse(struct spec_reader *r, const char *text, size_t size_bytes,
			      struct err *e)
{
	struct oci_spec *s = arena_alloc(r->arena, sizeof(*s));
	struct json_doc *doc = open_document(r->name, text, size_bytes, e);

	if (!doc)
		return NULL;
	r->warnings = &s->warnings;
	struct json root = json_root(doc);
	int failed = read_document(r, &root, s, e);

	json_destroy(doc);
	return failed ? NULL : s;
}

struct oci_spec *oci_spec_parse(struct arena *a, const char *name, const char *text,
				size_t size_bytes, struct err *e)
{
	struct spec_reader r = { .arena = a, .name = name };

	return parse(&r, text, size_bytes, e);
}

struct oci_spec *oci_spec_parse_bundle(struct arena *a, const char *name, const char *text,
				       size_t size_bytes, struct err *e)
{
	struct spec_reader r = { .arena = a, .name = name, .bundle = true };

	return parse(&r, text, size_bytes, e);
}

struct oci_process *oci_process_parse(struct arena *a, const char *name, const char *text,
				      size_t size_bytes, struct err *e)
{
	struct oci_process *p = arena_alloc(a, sizeof(*p));
	const struct spec_reader r = {
		.arena = a, .name = name, .bundle = true, .warnings = &p->warnings,
	};
	struct json_doc *doc = open_document(name, text, size_bytes, e);

	if (!doc)
		return NULL;
	struct json root = json_root(doc);
	int failed = spec_process_read(&r, &root, p, e);

	json_destroy(doc);
	return failed ? NULL : p;
}

struct oci_resources *oci_resources_parse(struct arena *a, const char *name, const char *text,
					  size_t size_bytes, struct err *e)
{
	struct oci_resources *o = arena_alloc(a, sizeof(*o));
	const struct spec_reader r = { .arena = a, .name = name, .bundle = true };
	struct json_doc *doc = open_document(name, text, size_bytes, e);

	if (!doc)
		return NULL;
	struct json root = json_root(doc);
	int failed = spec_resources_read(&r, &root, o, e);

	json_destroy(doc);
	return failed ? NULL : o;
}
