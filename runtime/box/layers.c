/* layers.c - see layers.h */
#include "box/layers.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>

#include "box/host.h"
#include "box/mount_fd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/str.h"

enum { IMAGE_JSON_BYTES_MAX = 1 << 20, OPTION_BYTES = 48 };

/* What one mount is made of: a folder or an EROFS file, and for a merged one the files its data
 * lies in. */
struct layer {
	int image_fd;
	const char *path;
	const struct json *devices;	/* an array of paths, NULL = none */
};

struct device_options {
	int fds[LAYERS_MAX];
	size_t count;
	char text[LAYERS_MAX][OPTION_BYTES];
	const char *list[LAYERS_MAX + 1];
};

static int open_devices(struct device_options *o, const struct layer *layer, struct err *e)
{
	size_t count = layer->devices ? json_count(layer->devices) : 0;

	for (o->count = 0; o->count < count; o->count++) {
		struct json item = json_at(layer->devices, o->count);
		size_t i = o->count;
		const char *path;

		if (json_as_str(&item, &path, e))
			return -1;
		o->fds[i] = fs_open_in_root(layer->image_fd, path, O_RDONLY, 0, e);
		if (o->fds[i] < 0)
			return err_add(e, "%s", path);
		snprintf(o->text[i], OPTION_BYTES, "device=/proc/self/fd/%d", o->fds[i]);
		o->list[i] = o->text[i];
	}
	o->list[o->count] = NULL;
	return 0;
}

static int mount_erofs(const struct layer *layer, int file_fd, struct err *e)
{
	struct device_options options;
	char source[OPTION_BYTES];
	int mount_fd = -1;

	snprintf(source, sizeof(source), "/proc/self/fd/%d", file_fd);
	if (open_devices(&options, layer, e) == 0)
		mount_fd = mount_fd_new("erofs", source, options.list,
					MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, e);
	for (size_t i = 0; i < options.count; i++)
		fd_close(&options.fds[i]);
	return mount_fd;
}

static int mount_layer(const struct layer *layer, int point_fd, struct err *e)
{
	AUTO_FD int file_fd = fs_open_in_root(layer->image_fd, layer->path, O_RDONLY, 0, e);
	AUTO_FD int mount_fd = -1;
	struct stat st;

	if (file_fd < 0)
		return -1;
	if (fstat(file_fd, &st) < 0)
		return err_sys(e, "stat");
	mount_fd = S_ISDIR(st.st_mode) ? mount_fd_clone(file_fd, "", e) :
					 mount_erofs(layer, file_fd, e);
	if (mount_fd < 0 || mount_fd_set(mount_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0, e))
		return -1;
	return mount_fd_attach(mount_fd, point_fd, e);
}

/* The mounted folder `name`; mounts it when this is the first container of the image. */
static int open_layer(const struct layer *layer, int points_fd, const char *name, struct err *e)
{
	if (fs_make_dir_at(points_fd, name, 0700, e))
		return -1;
	AUTO_FD int point_fd = fs_open_dir_at(points_fd, name, e);

	if (point_fd < 0)
		return -1;
	/* An earlier start, or an earlier boxd, has been here. */
	if (mount_fd_is_root(point_fd))
		return take_fd(&point_fd);
	if (mount_layer(layer, point_fd, e))
		return err_add(e, "layer %s", layer->path);
	return fs_open_dir_at(points_fd, name, e);
}

static int open_each(struct layers *l, const struct json *list, int image_fd, int points_fd,
		     struct err *e)
{
	for (size_t i = json_count(list); i-- > 0;) {
		struct layer layer = { .image_fd = image_fd };
		struct json item = json_at(list, i);
		char name[24];

		if (json_as_str(&item, &layer.path, e))
			return -1;
		snprintf(name, sizeof(name), "%zu", i);
		l->fds[l->count] = open_layer(&layer, points_fd, name, e);
		if (l->fds[l->count] < 0)
			return -1;
		l->count++;
	}
	return 0;
}

/* One mount for all layers, where the image has it. */
static int open_all(struct layers *l, const struct json *root, int image_fd, int points_fd,
		    struct err *e)
{
	struct json list = json_member(root, "layers");
	size_t count = json_count(&list);
	struct layer merged = { .image_fd = image_fd, .devices = &list };
	const char *digest;

	if (json_get_str(root, "digest", &digest, e) ||
	    json_opt_str(root, "merged", &merged.path, e))
		return -1;
	if (!str_copy(l->digest, sizeof(l->digest), digest))
		return err_set(e, "digest is longer than %d bytes", DIGEST_BYTES - 1);
	if (json_kind(&list) != JSON_ARRAY || count == 0 || count > LAYERS_MAX)
		return err_set(e, "layers must be a list of 1 to %d files", LAYERS_MAX);
	if (!merged.path)
		return open_each(l, &list, image_fd, points_fd, e);
	l->fds[0] = open_layer(&merged, points_fd, "merged", e);
	l->count = l->fds[0] >= 0;
	return l->fds[0] < 0 ? -1 : 0;
}

int layers_open(struct layers *l, const struct box_host *host, const char *image, struct err *e)
{
	AUTO_FD int image_fd = -1, points_fd = -1;
	size_t size_bytes = 0;

	l->count = 0;
	if (!str_is_name(image))
		return err_set(e, "\"%s\" is no image name", image);
	image_fd = fs_open_dir_at(host->images_fd, image, e);
	if (image_fd < 0)
		return err_add(e, "image %s", image);
	AUTO_FREE char *text =
		fs_read_at(image_fd, "image.json", IMAGE_JSON_BYTES_MAX, &size_bytes, e);

	if (!text || fs_make_dir_at(host->layers_fd, image, 0700, e))
		return err_add(e, "image %s", image);
	points_fd = fs_open_dir_at(host->layers_fd, image, e);
	struct json_doc *doc = points_fd < 0 ? NULL : json_parse("image.json", text, size_bytes, e);

	if (!doc)
		return err_add(e, "image %s", image);
	struct json root = json_root(doc);
	int failed = open_all(l, &root, image_fd, points_fd, e);

	json_destroy(doc);
	if (!failed)
		return 0;
	layers_close(l);
	return err_add(e, "image %s", image);
}

void layers_close(struct layers *l)
{
	for (size_t i = 0; i < l->count; i++)
		fd_close(&l->fds[i]);
	l->count = 0;
}
