/* spec_mounts.c - the array `mounts` of config.json. */
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const mount_keys[] = {
	"destination", "gidMappings", "options", "source", "type", "uidMappings", NULL,
};

/* config.md "Mounts" wants an absolute path, but also that a relative one, from old tools, is taken
 * as relative to the container's root. `..` it does not mention; nobody needs it, so it is refused
 * rather than trusted to every later step. */
static int read_destination(const struct spec_reader *r, const struct json *item,
			    struct oci_mount *m, struct err *e)
{
	struct json at = json_member(item, "destination");

	if (spec_required(r, item, "destination", &m->destination, e))
		return -1;
	if (r->bundle && m->destination[0] && m->destination[0] != '/' &&
	    !spec_climbs(m->destination)) {
		spec_warn(r, &at, "\"%s\" should be an absolute path, taken as /%s",
			  m->destination, m->destination);
		m->destination = arena_format(r->arena, "/%s", m->destination);
	}
	if (!spec_is_absolute(m->destination))
		return spec_bad(r, &at, e, "must be an absolute path without `..`");
	return 0;
}

static int read_maps(const struct spec_reader *r, const struct json *item, struct oci_mount *m,
		     struct err *e)
{
	struct oci_id_maps *uids, *gids;

	if (!spec_given(item, "uidMappings") && !spec_given(item, "gidMappings"))
		return 0;
	uids = arena_array(r->arena, 2, sizeof(*uids));
	gids = uids + 1;
	if (spec_id_maps_read(r, item, "uidMappings", uids, e) ||
	    spec_id_maps_read(r, item, "gidMappings", gids, e))
		return -1;
	if (!uids->count != !gids->count)
		return spec_bad(r, item, e, "uidMappings and gidMappings go together");
	if (uids->count) {
		m->uid_maps = uids;
		m->gid_maps = gids;
	}
	return 0;
}

static int read_mount(const struct spec_reader *r, const struct json *item, void *out,
		      struct err *e)
{
	struct oci_mount *m = out;

	if (spec_keys(r, item, mount_keys, e) || read_destination(r, item, m, e) ||
	    spec_string(r, item, "type", &m->type, e) ||
	    spec_string(r, item, "source", &m->source, e) ||
	    spec_strings(r, item, "options", &m->options, e))
		return -1;
	return read_maps(r, item, m, e);
}

int spec_mounts_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		     struct err *e)
{
	void *items = NULL;

	if (spec_list(r, root, "mounts", sizeof(*s->mounts), read_mount, &items, &s->mount_count,
		      e) < 0)
		return -1;
	s->mounts = items;
	return 0;
}

void spec_mounts_write(const struct oci_spec *s, struct json_writer *w)
{
	json_key(w, "mounts");
	json_begin_array(w);
	for (size_t i = 0; i < s->mount_count; i++) {
		const struct oci_mount *m = &s->mounts[i];

		json_begin_object(w);
		spec_put_str(w, "destination", m->destination);
		spec_put_str(w, "type", m->type);
		spec_put_str(w, "source", m->source);
		if (m->options)
			spec_put_strings(w, "options", m->options);
		if (m->uid_maps) {
			spec_id_maps_write(m->uid_maps, "uidMappings", w);
			spec_id_maps_write(m->gid_maps, "gidMappings", w);
		}
		json_end_object(w);
	}
	json_end_array(w);
}
