/* mount_do.c - see mount_do.h */
#include "box/mount_do.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/devices.h"
#include "box/mount_fd.h"
#include "box/mount_plan.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

struct doing {
	const struct mount_sources *sources;
	int empty_fd;		/* one empty read-only tmpfs hides all masked folders */
};

/* Kernel file systems go on real folders only: an image with /proc -> /somewhere would get its own
 * /proc where our masks do not reach (CVE-2019-16884, -19921). Volumes may follow links inside the
 * root. */
static int open_target(int root_fd, const char *path, int follow, struct err *e)
{
	int fd = fs_open_in_root(root_fd, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, e);
	struct stat st;

	if (fd < 0 && e->number == ENOENT)
		return fs_make_dirs_in_root(root_fd, path, 0755, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return fd;
	fd_close(&fd);
	return err_set(e, "%s in the image is not a folder", path);
}

/* Over the kernel's own files a volume would put its own, and our masks and read-only paths on the
 * wrong ones. By file system, since a link of the image may lead there. */
static int check_volume_target(int target_fd, struct err *e)
{
	struct statfs fs;

	if (fstatfs(target_fd, &fs) < 0)
		return err_sys(e, "statfs");
	if (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	    fs.f_type == CGROUP2_SUPER_MAGIC)
		return err_set(e, "lies in /proc or /sys, where no volume can be: choose another "
				  "target");
	return 0;
}

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* The place of a file: made when it is missing, and a link that leads nowhere makes way. */
static int open_file_target(int root_fd, const char *path, struct err *e)
{
	const char *name = strrchr(path, '/') + 1;
	char parent[PATH_MAX];
	AUTO_FD int fd = fs_open_in_root(root_fd, path, O_PATH, 0, e);
	AUTO_FD int parent_fd = -1;

	if (fd >= 0)
		return is_file(fd) ? take_fd(&fd)
				   : err_set(e, "%s in the image is not a file", path);
	if (e->number != ENOENT || !*name || (size_t)(name - path) >= sizeof(parent))
		return -1;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	parent_fd = fs_make_dirs_in_root(root_fd, parent, 0755, e);
	if (parent_fd < 0)
		return -1;
	if (unlinkat(parent_fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove the link");
	fd = openat(parent_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? err_sys(e, "make it") : take_fd(&fd);
}

static int do_volume(const struct mount_step *step, const struct mount_sources *s, struct err *e)
{
	int volume_fd = s->volume_fds[step->volume];
	AUTO_FD int target_fd = is_file(volume_fd) ? open_file_target(s->root_fd, step->target, e)
						   : open_target(s->root_fd, step->target, 1, e);

	if (target_fd < 0 || check_volume_target(target_fd, e))
		return -1;
	return mount_fd_attach(volume_fd, target_fd, e);
}

static int do_attach(int mount_fd, int root_fd, const char *path, struct err *e)
{
	AUTO_FD int target_fd = open_target(root_fd, path, 0, e);

	return target_fd < 0 ? -1 : mount_fd_attach(mount_fd, target_fd, e);
}

static int do_new(const struct mount_step *step, const struct mount_sources *s, struct err *e)
{
	AUTO_FD int fd = mount_fd_new(step->fstype, step->source, step->data, step->attrs, e);

	return fd < 0 ? -1 : do_attach(fd, s->root_fd, step->target, e);
}

static int do_sys(const struct mount_step *step, const struct mount_sources *s, struct err *e)
{
	struct statfs fs;

	if (s->sys_fd < 0 || fstatfs(s->sys_fd, &fs) < 0 || fs.f_type != SYSFS_MAGIC)
		return err_set(e, "the machine's /sys is not sysfs");
	return do_attach(s->sys_fd, s->root_fd, step->target, e);
}

static int do_devices(const struct mount_step *step, const struct mount_sources *s, struct err *e)
{
	AUTO_FD int dev_fd = fs_open_in_root(s->root_fd, step->target,
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, e);

	return dev_fd < 0 ? -1 : devices_populate(dev_fd, e);
}

static int hide_folder(struct doing *d, int target_fd, struct err *e)
{
	static const char *const options[] = { "mode=755", "size=0", NULL };
	AUTO_FD int copy_fd = -1;

	if (d->empty_fd < 0) {
		d->empty_fd = mount_fd_new("tmpfs", "tmpfs", options,
					   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
						   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
					   e);
		return d->empty_fd < 0 ? -1 : mount_fd_attach(d->empty_fd, target_fd, e);
	}
	copy_fd = mount_fd_clone(d->empty_fd, "", e);
	return copy_fd < 0 ? -1 : mount_fd_attach(copy_fd, target_fd, e);
}

static int do_mask(const struct mount_step *step, struct doing *d, struct err *e)
{
	AUTO_FD int target_fd = fs_open_in_root(d->sources->root_fd, step->target, O_PATH, 0, e);
	AUTO_FD int null_fd = -1;
	struct stat st;

	if (target_fd < 0)
		return e->number == ENOENT || e->number == ENOTDIR ? 0 : -1;
	if (fstat(target_fd, &st) < 0)
		return err_sys(e, "stat");
	if (S_ISDIR(st.st_mode))
		return hide_folder(d, target_fd, e);
	null_fd = devices_clone("null", e);
	return null_fd < 0 ? -1 : mount_fd_attach(null_fd, target_fd, e);
}

static int do_read_only(const struct mount_step *step, const struct mount_sources *s, struct err *e)
{
	AUTO_FD int target_fd = fs_open_in_root(s->root_fd, step->target, O_PATH, 0, e);
	AUTO_FD int copy_fd = -1;

	if (target_fd < 0)
		return e->number == ENOENT || e->number == ENOTDIR ? 0 : -1;
	copy_fd = mount_fd_clone_tree(target_fd, "", e);
	if (copy_fd < 0 || mount_fd_set(copy_fd, MOUNT_ATTR_RDONLY, 0, 1, e))
		return -1;
	return mount_fd_attach(copy_fd, target_fd, e);
}

static int do_step(const struct mount_step *step, struct doing *d, struct err *e)
{
	const struct mount_sources *s = d->sources;

	switch (step->op) {
	case MOUNT_NEW:
		return do_new(step, s, e);
	case MOUNT_APPLIANCE_SYS:
		return do_sys(step, s, e);
	case MOUNT_VOLUME:
		return do_volume(step, s, e);
	case MOUNT_DEVICES:
		return do_devices(step, s, e);
	case MOUNT_MASK:
		return do_mask(step, d, e);
	case MOUNT_READ_ONLY:
		return do_read_only(step, s, e);
	case MOUNT_ROOT_READ_ONLY:
		return mount_fd_set(s->root_fd, MOUNT_ATTR_RDONLY, 0, 0, e);
	case MOUNT_OPS:
		break;
	}
	return err_set(e, "no such step");
}

int mount_do(const struct mount_plan *plan, const struct mount_sources *sources, struct err *e)
{
	struct doing d = { .sources = sources, .empty_fd = -1 };
	AUTO_FD int old_root_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int failed = 0;

	if (old_root_fd < 0)
		return err_sys(e, "open /");
	/* Nothing that the appliance mounts or unmounts from now on shows up in here, or the other
	 * way round. */
	if (mount_fd_private(old_root_fd, e) ||
	    mount_fd_attach(sources->root_fd, sources->place_fd, e))
		return err_add(e, "container root");
	for (size_t i = 0; i < plan->count && !failed; i++) {
		failed = do_step(&plan->steps[i], &d, e);
		if (failed)
			err_add(e, "%s", plan->steps[i].target);
	}
	fd_close(&d.empty_fd);
	return failed;
}

int mount_do_enter(int root_fd, struct err *e)
{
	if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "make the container's root /");
	/* pivot_root(2), "pivot_root(".", ".")": the old root lies on top of the new one now. */
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, "let go of the appliance's mounts");
	if (chdir("/") < 0)
		return err_sys(e, "change to /");
	return 0;
}
