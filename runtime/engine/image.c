/* image.c - see image.h. */
#include "engine/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/str.h"
#include "oci/port_map.h"
#include "wire/member_limits.h"

static int read_text(const struct json *object, const char *key, const char **text,
		     struct arena *arena, struct err *e)
{
	*text = "";
	if (json_opt_str(object, key, text, e) < 0)
		return -1;
	*text = arena_str(arena, *text);
	return 0;
}

static int read_list(const struct json *object, const char *key, const char *const **list,
		     struct arena *arena, struct err *e)
{
	struct json array = json_member(object, key);
	size_t count = json_count(&array);
	const char **items;

	*list = NULL;
	if (json_kind(&array) == JSON_NONE || json_kind(&array) == JSON_NULL)
		return 0;
	if (json_kind(&array) != JSON_ARRAY)
		return err_set(e, "config.%s must be a list", key);
	items = arena_array(arena, count + 1, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		struct json item = json_at(&array, i);

		if (json_as_str(&item, &items[i], e) < 0)
			return -1;
		items[i] = arena_str(arena, items[i]);
	}
	*list = items;
	return 0;
}

/* A word for those who run it, not a condition: of SCTP, which nothing here carries, there is none.
 */
static void read_exposed(struct image *image, const struct json *config, struct arena *arena)
{
	struct json ports = json_member(config, "ExposedPorts");
	size_t count = json_kind(&ports) == JSON_OBJECT ? json_count(&ports) : 0;
	struct port_map *maps = arena_array(arena, MEMBER_PORTS_MAX, sizeof(*maps));

	for (size_t i = 0; i < count && image->exposed_count < MEMBER_PORTS_MAX; i++) {
		struct port_map *map = &maps[image->exposed_count];
		const char *text;
		struct err e;

		json_member_at(&ports, i, &text);
		image->exposed_count += port_map_parse_parts(NULL, NULL, text, map, &e) == 0;
	}
	image->exposed = maps;
}

static int read_root(struct image *image, const struct json *root, struct arena *arena,
		     struct err *e)
{
	struct json config = json_member(root, "config");
	uint64_t schema;

	if (json_get_u64(root, "schema", &schema, e) < 0)
		return -1;
	if (schema != 1)
		return err_set(e, "schema %llu is not known to this release",
			       (unsigned long long)schema);
	if (json_get_str(root, "digest", &image->digest, e) < 0)
		return -1;
	image->digest = arena_str(arena, image->digest);
	if (json_kind(&config) != JSON_OBJECT)
		return err_set(e, "config must be an object");
	if (read_list(&config, "Env", &image->environment, arena, e) < 0 ||
	    read_list(&config, "Entrypoint", &image->entrypoint, arena, e) < 0 ||
	    read_list(&config, "Cmd", &image->command, arena, e) < 0 ||
	    read_text(&config, "User", &image->user, arena, e) < 0 ||
	    read_text(&config, "WorkingDir", &image->working_dir, arena, e) < 0)
		return -1;
	read_exposed(image, &config, arena);
	return read_text(&config, "StopSignal", &image->stop_signal, arena, e);
}

int image_parse(struct image *image, const char *name, const char *text, size_t size_bytes,
		struct arena *arena, struct err *e)
{
	struct json_doc *doc = json_parse("image.json", text, size_bytes, e);
	struct json root;
	int status;

	*image = (struct image){ .name = arena_str(arena, name) };
	if (!doc)
		return err_add(e, "image %s", name);
	root = json_root(doc);
	status = read_root(image, &root, arena, e);
	json_destroy(doc);
	return status < 0 ? err_add(e, "image %s: image.json", name) : 0;
}

int image_read(struct image *image, int images_fd, const char *name, struct arena *arena,
	       struct err *e)
{
	AUTO_FD int dir_fd = -1;
	AUTO_FREE char *text = NULL;
	size_t size;

	if (!str_is_name(name))
		return err_set(e,
			       "\"%.100s\" is not the name of an image on this machine (pulling "
			       "comes later)",
			       name);
	dir_fd = fs_open_dir_at(images_fd, name, e);
	if (dir_fd >= 0)
		text = fs_read_at(dir_fd, "image.json", IMAGE_BYTES_MAX, &size, e);
	if (!text && e->number == ENOENT)
		return err_set(e, "image %s is not on this machine", name);
	if (!text)
		return err_add(e, "image %s", name);
	return image_parse(image, name, text, size, arena, e);
}
