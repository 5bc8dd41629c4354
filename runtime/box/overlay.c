/* overlay.c - see overlay.h */
#include "box/overlay.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "box/caps.h"
#include "box/host.h"
#include "box/idmap.h"
#include "box/layers.h"
#include "box/mount_fd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

enum { OPTION_BYTES = 64 };

struct copies {
	int layers[LAYERS_MAX];
	size_t layer_count;
	int container;
};

static int copy_mapped(int dir_fd, int user_ns_fd, struct err *e)
{
	AUTO_FD int fd = mount_fd_clone(dir_fd, "", e);

	if (fd < 0 || idmap_mount(fd, user_ns_fd, e) || mount_fd_private(fd, e))
		return -1;
	return take_fd(&fd);
}

static int copy_parts(const struct overlay_parts *parts, struct copies *c, struct err *e)
{
	for (size_t i = 0; i < parts->layers->count; i++) {
		c->layers[i] = copy_mapped(parts->layers->fds[i], parts->user_ns_fd, e);
		if (c->layers[i] < 0)
			return err_add(e, "layer %zu", i);
		c->layer_count++;
	}
	c->container = copy_mapped(parts->container_fd, parts->user_ns_fd, e);
	return c->container < 0 ? err_add(e, "writable layer") : 0;
}

/* In the container's mount namespace: hang the copies up, one over the other, and build the overlay
 * of them. The stack goes away with the rest of the appliance's mounts when the container enters
 * its root. */
static int attach_parts(const struct copies *c, struct err *e)
{
	AUTO_FD int point_fd = fs_open_dir_at(AT_FDCWD, BOX_STATE_DIR, e);

	if (point_fd < 0)
		return -1;
	for (size_t i = 0; i < c->layer_count; i++)
		if (mount_fd_attach(c->layers[i], point_fd, e))
			return -1;
	return mount_fd_attach(c->container, point_fd, e);
}

/* overlayfs makes its own files (work/work, whiteouts) as whoever mounts it. Our root has no place
 * in the container's id map, so they would fail with EOVERFLOW and the overlay would
 * be read-only. */
static int mount_as(const struct overlay_parts *parts, const char *const *options, struct err *e)
{
	uint64_t caps = caps_permitted();
	int fd = -1;

	setfsgid(parts->gid);
	setfsuid(parts->uid);
	/* setfsuid takes the file capabilities from the effective set, capabilities(7). */
	if (caps_set(caps, caps, 0, e) == 0)
		fd = mount_fd_new("overlay", "overlay", options, MOUNT_ATTR_NODEV, e);
	setfsuid(0);
	setfsgid(0);
	if (caps_set(caps, caps, 0, e))
		fd_close(&fd);
	return fd;
}

static int make(const struct overlay_parts *parts, const struct copies *c, struct err *e)
{
	char text[LAYERS_MAX + 2][OPTION_BYTES];
	const char *options[LAYERS_MAX + 6];
	size_t n = 0;

	if (attach_parts(c, e))
		return -1;
	AUTO_FD int upper_fd = fs_open_dir_at(c->container, "upper", e);
	AUTO_FD int work_fd = fs_open_dir_at(c->container, "work", e);

	if (upper_fd < 0 || work_fd < 0)
		return -1;
	for (; n < c->layer_count; n++)
		snprintf(text[n], OPTION_BYTES, "lowerdir+=/proc/self/fd/%d", c->layers[n]);
	snprintf(text[n++], OPTION_BYTES, "upperdir=/proc/self/fd/%d", upper_fd);
	snprintf(text[n++], OPTION_BYTES, "workdir=/proc/self/fd/%d", work_fd);
	for (size_t i = 0; i < n; i++)
		options[i] = text[i];
	/* A layer from elsewhere must not redirect into other folders or carry foreign metadata. */
	options[n++] = "redirect_dir=nofollow";
	options[n++] = "metacopy=off";
	options[n++] = "index=off";
	options[n] = NULL;
	return mount_as(parts, options, e);
}

static void close_copies(struct copies *c)
{
	for (size_t i = 0; i < c->layer_count; i++)
		fd_close(&c->layers[i]);
	fd_close(&c->container);
}

static int prepare_folder(int container_fd, struct err *e)
{
	return fs_make_dir_at(container_fd, "upper", 0755, e) ||
			       fs_make_dir_at(container_fd, "work", 0700, e)
		       ? -1
		       : 0;
}

int overlay_make(const struct overlay_parts *parts, struct err *e)
{
	struct copies c = { .container = -1 };
	int root_fd = -1;

	if (prepare_folder(parts->container_fd, e) || copy_parts(parts, &c, e)) {
		close_copies(&c);
		return -1;
	}
	if (setns(parts->mount_ns_fd, CLONE_NEWNS) < 0) {
		err_sys(e, "enter the container's mount namespace");
	} else {
		root_fd = make(parts, &c, e);
		if (setns(parts->own_mount_ns_fd, CLONE_NEWNS) < 0) {
			err_sys(e, "come back from the container's mount namespace");
			fd_close(&root_fd);
		}
	}
	close_copies(&c);
	return root_fd;
}
