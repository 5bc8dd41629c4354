/* mount_hide.c - see mount_hide.h */
#include "box/mount_hide.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/devices.h"
#include "box/mount_fd.h"
#include "box/mount_target.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

/* A name in an open folder, or with "" what the fd stands for. */
struct place {
	int dir_fd;
	const char *name;
};

void mount_hide_init(struct mount_hide *h, int root_fd, int *cwd_fd, struct fd_pile *spent)
{
	*h = (struct mount_hide){
		.root_fd = root_fd, .proc_fd = -1, .null_fd = -1, .cwd_fd = cwd_fd, .spent = spent,
	};
}

static bool open_proc(struct mount_hide *h)
{
	struct statfs fs;

	if (h->proc_fd >= 0 || h->no_proc)
		return !h->no_proc;
	h->proc_fd = mount_target_try(h->root_fd, "/proc",
				      MOUNT_TARGET_FOLDER | MOUNT_TARGET_NOFOLLOW);
	h->no_proc = h->proc_fd < 0 || fstatfs(h->proc_fd, &fs) < 0 ||
		     fs.f_type != PROC_SUPER_MAGIC;
	return !h->no_proc;
}

/* Most paths are names in /proc. The kernel alone decides what is there, so these need no
 * resolving; its few links do. */
static bool is_in_proc(const char *path)
{
	static const char *const links[] = { "self", "thread-self", "mounts", "net",
					     "device-tree" };
	const char *name = path + strlen("/proc/");

	if (!str_starts(path, "/proc/") || !name[0] || name[0] == '.' || strchr(name, '/'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (str_equal(links[i], name))
			return false;
	return true;
}

static bool enter_proc(struct mount_hide *h)
{
	if (*h->cwd_fd == h->proc_fd)
		return true;
	if (fchdir(h->proc_fd) < 0)
		return false;
	*h->cwd_fd = h->proc_fd;
	return true;
}

/* 1 = there, 0 = nothing there. */
static int find(struct mount_hide *h, const char *path, struct place *place, struct err *e)
{
	if (is_in_proc(path) && open_proc(h)) {
		*place = (struct place){ h->proc_fd, path + strlen("/proc/") };
		return 1;
	}
	*place = (struct place){ mount_target_try(h->root_fd, path, 0), "" };
	fd_pile_add(h->spent, place->dir_fd);
	if (place->dir_fd >= 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "open it in the root");
}

static int attach_copy(struct mount_hide *h, int dir_fd, const char *name,
		       const struct place *place, struct err *e)
{
	int copy_fd = mount_fd_copy(dir_fd, name, 0, e);

	fd_pile_add(h->spent, copy_fd);
	return copy_fd < 0 ? -1 : mount_fd_attach_at(copy_fd, place->dir_fd, place->name, e);
}

static int hide_folder(struct mount_hide *h, const struct place *place, struct err *e)
{
	static const char *const options[] = { "mode=755", "size=0", NULL };
	static const struct mount_new empty = {
		.fstype = "tmpfs",
		.source = "tmpfs",
		.data = options,
		.attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
			 MOUNT_ATTR_NOEXEC,
	};

	if (h->empty)
		return attach_copy(h, h->proc_fd, h->empty, place, e);
	if (place->name[0]) {
		if (enter_proc(h) && mount_fd_over(&empty, place->name) == 0) {
			h->empty = place->name;
			return 0;
		}
	} else {
		*h->cwd_fd = -1;
		if (fchdir(place->dir_fd) == 0 && mount_fd_over(&empty, ".") == 0)
			return 0;
	}
	int fd = mount_fd_create(&empty, e);

	fd_pile_add(h->spent, fd);
	return fd < 0 ? -1 : mount_fd_attach_at(fd, place->dir_fd, place->name, e);
}

/* open_tree(2) copies only what is attached (6.12): the first one is the model. */
static int hide_file(struct mount_hide *h, const struct place *place, struct err *e)
{
	if (h->null_fd >= 0)
		return attach_copy(h, h->null_fd, "", place, e);
	h->null_fd = devices_open_null(e);
	if (h->null_fd < 0 || mount_fd_attach_at(h->null_fd, place->dir_fd, place->name, e))
		return -1;
	if (place->name[0])
		h->file = place->name;
	return 0;
}

/* With both models in the same folder one mount(2) does it, and tells a file from a folder: most
 * are files. False: not done, the long way tells why. */
static bool mask_by_model(struct mount_hide *h, const char *name)
{
	if (!h->file || !h->empty || !enter_proc(h))
		return false;
	return mount_fd_bind_over(h->file, name, false) == 0 || errno == ENOENT ||
	       (errno == ENOTDIR && mount_fd_bind_over(h->empty, name, false) == 0);
}

int mount_hide_mask(struct mount_hide *h, const char *path, struct err *e)
{
	struct place place;
	struct stat st;
	int found = find(h, path, &place, e);

	if (found <= 0)
		return found;
	if (place.name[0] && mask_by_model(h, place.name))
		return 0;
	if (fstatat(place.dir_fd, place.name, &st,
		    AT_SYMLINK_NOFOLLOW | (place.name[0] ? 0 : AT_EMPTY_PATH)) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "stat");
	return S_ISDIR(st.st_mode) ? hide_folder(h, &place, e) : hide_file(h, &place, e);
}

int mount_hide_read_only(struct mount_hide *h, const char *path, struct err *e)
{
	static const struct mount_change read_only = {
		.set = MOUNT_ATTR_RDONLY, .recursive = true,
	};
	struct place place;
	int copy_fd, found = find(h, path, &place, e);

	if (found <= 0)
		return found;
	if (place.name[0] && enter_proc(h)) {
		if (mount_fd_bind_over(place.name, place.name, true) == 0)
			return mount_fd_change(place.dir_fd, place.name, &read_only, e);
		if (errno == ENOENT)
			return 0;
	}
	copy_fd = mount_fd_copy(place.dir_fd, place.name, MOUNT_CLONE_TREE, e);
	fd_pile_add(h->spent, copy_fd);
	if (copy_fd < 0)
		return e->number == ENOENT ? 0 : -1;
	if (mount_fd_change(copy_fd, "", &read_only, e))
		return -1;
	return mount_fd_attach_at(copy_fd, place.dir_fd, place.name, e);
}
