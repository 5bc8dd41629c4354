/* service_mounts.c - `volumes:` (named volumes, short and long form) and `tmpfs:`. */
#include <string.h>

#include "compose/compose.h"
#include "compose/reader.h"
#include "compose/scalar.h"
#include "compose/service.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

static int check_mount(struct reader *r, const struct yaml_node *node,
		       const struct compose_mount *mount, struct err *e)
{
	const struct compose_service *s = r->target;

	if (!mount->volume || !mount->target)
		return reader_fail(r, node, e, "a volume needs a source and a target");
	if (strchr("/.~", mount->volume[0]) && mount->volume[0])
		return reader_fail(r, node, e,
				   "%.64s is a path: there are no folders to bind on this machine; "
				   "name a volume, or put the files into the shared folder",
				   mount->volume);
	if (!str_is_name(mount->volume))
		return reader_fail(r, node, e, "\"%.64s\" is not a volume name", mount->volume);
	if (!scalar_is_clean_path(mount->target))
		return reader_fail(r, node, e, "\"%.64s\" is not an absolute path without . and ..",
				   mount->target);
	for (size_t i = 0; i < s->mount_count; i++)
		if (str_equal(s->mounts[i].target, mount->target))
			return reader_fail(r, node, e, "two volumes at %.64s", mount->target);
	return 0;
}

/* name:/path[:ro|:rw] */
static int read_short(struct reader *r, const struct yaml_node *node, struct compose_mount *mount,
		      struct err *e)
{
	const char *text = reader_string(r, node, e);
	const char *target, *mode;

	if (!text)
		return -1;
	target = strchr(text, ':');
	if (!target)
		return reader_fail(r, node, e,
				   "volumes without a name are not supported yet: write name:%.64s",
				   text);
	mode = strchr(target + 1, ':');
	mount->volume = arena_strn(r->arena, text, (size_t)(target - text));
	target++;
	mount->target = mode ? arena_strn(r->arena, target, (size_t)(mode - target)) : target;
	mount->read_only = mode && str_equal(mode, ":ro");
	if (mode && !mount->read_only && !str_equal(mode, ":rw"))
		return reader_fail(r, node, e, "\"%.64s\" is not known: write ro or rw", mode + 1);
	return 0;
}

static int read_type(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	if (!str_equal(text, "volume"))
		return reader_fail(
			r, node, e,
			"\"%.64s\" is not supported yet: known is volume (and the key tmpfs)",
			text);
	return 0;
}

static int read_source(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_mount *mount = r->target;

	mount->volume = reader_string(r, node, e);
	return mount->volume ? 0 : -1;
}

static int read_target(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_mount *mount = r->target;

	mount->target = reader_string(r, node, e);
	return mount->target ? 0 : -1;
}

static int read_read_only(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_mount *mount = r->target;

	return reader_bool(r, node, &mount->read_only, e);
}

static int read_long(struct reader *r, const struct yaml_node *node, struct compose_mount *mount,
		     struct err *e)
{
	static const struct reader_key keys[] = {
		{ "bind", NULL },	   { "consistency", NULL },
		{ "image", NULL },	   { "read_only", read_read_only },
		{ "source", read_source }, { "target", read_target },
		{ "tmpfs", NULL },	   { "type", read_type },
		{ "volume", NULL },
	};
	void *service = r->target;
	int status;

	if (!yaml_member(node, "type"))
		return reader_fail(r, node, e, "a volume in the long form needs a type");
	r->target = mount;
	status = reader_map(r, node, keys, ARRAY_SIZE(keys), e);
	r->target = service;
	return status;
}

int service_read_volumes(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	if (yaml_count(node) > YAML_KEYS_MAX)
		return reader_fail(r, node, e, "more than %d volumes", YAML_KEYS_MAX);
	s->mounts = arena_array(r->arena, yaml_count(node) + 1, sizeof(*s->mounts));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		struct compose_mount *mount = &s->mounts[s->mount_count];
		int status = item->kind == YAML_MAP ? read_long(r, item, mount, e)
						    : read_short(r, item, mount, e);

		if (status < 0 || check_mount(r, item, mount, e) < 0)
			return -1;
		s->mount_count++;
	}
	return 0;
}

static int add_tmpfs(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_tmpfs *tmpfs = &s->tmpfs[s->tmpfs_count++];
	const char *text = reader_string(r, node, e);
	const char *colon;

	if (!text)
		return -1;
	colon = strchr(text, ':');
	tmpfs->target = colon ? arena_strn(r->arena, text, (size_t)(colon - text)) : text;
	tmpfs->options = colon ? colon + 1 : NULL;
	if (!scalar_is_clean_path(tmpfs->target))
		return reader_fail(r, node, e, "\"%.64s\" is not an absolute path without . and ..",
				   tmpfs->target);
	return 0;
}

int service_read_tmpfs(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	s->tmpfs = arena_array(r->arena, yaml_count(node) + 1, sizeof(*s->tmpfs));
	if (node->kind != YAML_LIST)
		return add_tmpfs(r, node, e);
	for (const struct yaml_node *item = node->first; item; item = item->next)
		if (add_tmpfs(r, item, e) < 0)
			return -1;
	return 0;
}
