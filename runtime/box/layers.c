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

enum { IMAGE_JSON_BYTES_MAX = 1 << 20 };

static int mount_layer(int image_fd, const char *path, int point_fd, struct err *e)
{
	AUTO_FD int file_fd = fs_open_in_root(image_fd, path, O_RDONLY, 0, e);
	AUTO_FD int mount_fd = -1;
	char source[64];
	struct stat st;

	if (file_fd < 0)
		return -1;
	if (fstat(file_fd, &st) < 0)
		return err_sys(e, "stat");
	if (S_ISDIR(st.st_mode)) {
		mount_fd = mount_fd_clone(file_fd, "", e);
	} else {
		snprintf(source, sizeof(source), "/proc/self/fd/%d", file_fd);
		mount_fd = mount_fd_new("erofs", source, NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
					e);
	}
	if (mount_fd < 0 || mount_fd_set(mount_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0, e))
		return -1;
	return mount_fd_attach(mount_fd, point_fd, e);
}

/* The mounted folder of layer `index`; mounts it when this is the first container of the image. */
static int open_layer(int image_fd, const char *path, int points_fd, size_t index, struct err *e)
{
	char name[24];

	snprintf(name, sizeof(name), "%zu", index);
	if (fs_make_dir_at(points_fd, name, 0700, e))
		return -1;
	AUTO_FD int point_fd = fs_open_dir_at(points_fd, name, e);

	if (point_fd < 0)
		return -1;
	/* An earlier start, or an earlier boxd, has been here. */
	if (mount_fd_is_root(point_fd))
		return take_fd(&point_fd);
	if (mount_layer(image_fd, path, point_fd, e))
		return err_add(e, "layer %s", path);
	return fs_open_dir_at(points_fd, name, e);
}

static int open_all(struct layers *l, const struct json *root, int image_fd, int points_fd,
		    struct err *e)
{
	struct json list = json_member(root, "layers");
	size_t count = json_count(&list);
	const char *digest;

	if (json_get_str(root, "digest", &digest, e))
		return -1;
	if (!str_copy(l->digest, sizeof(l->digest), digest))
		return err_set(e, "digest is longer than %d bytes", DIGEST_BYTES - 1);
	if (json_kind(&list) != JSON_ARRAY || count == 0 || count > LAYERS_MAX)
		return err_set(e, "layers must be a list of 1 to %d files", LAYERS_MAX);
	for (size_t i = count; i-- > 0;) {
		struct json item = json_at(&list, i);
		const char *path;

		if (json_as_str(&item, &path, e))
			return -1;
		l->fds[l->count] = open_layer(image_fd, path, points_fd, i, e);
		if (l->fds[l->count] < 0)
			return -1;
		l->count++;
	}
	return 0;
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
