/* volume.c - see volume.h */
#include "box/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/host.h"
#include "box/idmap.h"
#include "box/mount_fd.h"
#include "box/mount_plan.h"
#include "box/names.h"
#include "box/tree_copy.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"

/* The shared folder is there when something is mounted at its place. */
static int open_share(void)
{
	AUTO_FD int fd = fs_open_dir_at(AT_FDCWD, BOX_SHARE_DIR, NULL);

	return fd >= 0 && mount_fd_is_root(fd) ? take_fd(&fd) : -1;
}

static bool is_empty(int dir_fd)
{
	int copy_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	bool empty = true;

	if (!dir)
		return false;
	for (struct dirent *entry; empty && (entry = readdir(dir));)
		empty = str_equal(entry->d_name, ".") || str_equal(entry->d_name, "..");
	closedir(dir);
	return empty;
}

/* As Docker does: what the image has at the target moves in, with its owners and modes. */
static int fill(const struct box_volume *v, const struct volume_place *place, int dir_fd,
		struct err *e)
{
	const struct tree_copy copy = { .uid_maps = place->uid_maps, .gid_maps = place->gid_maps };
	AUTO_FD int image_fd =
		fs_open_in_root(place->root_fd, v->target, O_RDONLY | O_DIRECTORY, 0, e);

	if (image_fd < 0 && e->number == ENOENT)
		return fchmod(dir_fd, 0755) < 0 ? err_sys(e, "change the mode") : 0;
	if (image_fd < 0)
		return -1;
	return tree_copy(&copy, image_fd, dir_fd, e);
}

static int open_named(const struct box_volume *v, const struct volume_place *place, struct err *e)
{
	if (!str_is_name(v->name))
		return err_set(e, "\"%s\" is no volume name", v->name);
	if (fs_make_dir_at(place->host->volumes_fd, v->name, 0700, e))
		return -1;
	AUTO_FD int fd = fs_open_dir_at(place->host->volumes_fd, v->name, e);

	if (fd < 0 || (is_empty(fd) && fill(v, place, fd, e)))
		return -1;
	return take_fd(&fd);
}

/* Not idmapped: their owners are nobody inside, so not even its root may write them. */
static int open_names(const struct box_volume *v, const struct volume_place *place, uint64_t attrs,
		      struct err *e)
{
	AUTO_FD int fd = names_open(v->name, place->state_fd, place->names, e);
	AUTO_FD int mount_fd = fd < 0 ? -1 : mount_fd_clone(fd, "", e);

	attrs |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	if (mount_fd < 0 || mount_fd_private(mount_fd, e) || mount_fd_set(mount_fd, attrs, 0, 0, e))
		return err_add(e, "volume %s", v->name);
	return take_fd(&mount_fd);
}

int volume_open(const struct box_volume *v, const struct volume_place *place, uint64_t attrs,
		struct err *e)
{
	AUTO_FD int dir_fd = -1, mount_fd = -1;
	bool shared = false;

	if (str_equal(v->driver, NAMES_DRIVER))
		return open_names(v, place, attrs, e);
	if (str_equal(v->driver, "share")) {
		dir_fd = open_share();
		shared = dir_fd >= 0;
		if (shared)
			attrs |= MOUNT_ATTR_NOSUID;
	} else if (v->driver[0] && !str_equal(v->driver, "local")) {
		return err_set(e, "volume %s: driver \"%s\" is unknown; known are local and share",
			       v->name, v->driver);
	}
	if (dir_fd < 0)
		dir_fd = open_named(v, place, e);
	if (dir_fd < 0)
		return err_add(e, "volume %s", v->name);
	mount_fd = mount_fd_clone(dir_fd, "", e);
	if (mount_fd < 0 || mount_fd_private(mount_fd, e) || mount_fd_set(mount_fd, attrs, 0, 0, e))
		return err_add(e, "volume %s", v->name);
	/* Whoever shares the folder shows it with the container's ids already (qemu/lib/share.sh):
	 * 9p of 6.12 cannot map them, and virtiofs would do it twice. */
	if (!shared && idmap_mount(mount_fd, place->user_ns_fd, e))
		return err_add(e, "volume %s", v->name);
	return take_fd(&mount_fd);
}
