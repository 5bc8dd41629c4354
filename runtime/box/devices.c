/* devices.c - see devices.h */
#include "box/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "box/mount_target.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "oci/spec.h"

/* Documentation/admin-guide/devices.txt */
static const struct oci_device nodes[] = {
	{ .path = "/dev/null", .type = 'c', .major = 1, .minor = 3, .mode = 0666 },
	{ .path = "/dev/zero", .type = 'c', .major = 1, .minor = 5, .mode = 0666 },
	{ .path = "/dev/full", .type = 'c', .major = 1, .minor = 7, .mode = 0666 },
	{ .path = "/dev/random", .type = 'c', .major = 1, .minor = 8, .mode = 0666 },
	{ .path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9, .mode = 0666 },
	{ .path = "/dev/tty", .type = 'c', .major = 5, .minor = 0, .mode = 0666 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
};

static mode_t file_type(const struct oci_device *node)
{
	return node->type == 'b' ? S_IFBLK : node->type == 'p' ? S_IFIFO : S_IFCHR;
}

static bool is_node(const struct stat *st, const struct oci_device *node)
{
	return (st->st_mode & S_IFMT) == file_type(node) &&
	       (node->type == 'p' || st->st_rdev == makedev(node->major, node->minor));
}

/* A detached copy of the machine's node of that path. Read-only: one may write to the device all
 * the same, but a container's root that is the machine's does not change the mode of the machine's
 * /dev/null. */
static int clone_node(const struct oci_device *node, struct err *e)
{
	AUTO_FD int fd = mount_fd_copy(AT_FDCWD, node->path, MOUNT_CLONE_FOLLOW, e);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", node->path);
	if (!is_node(&st, node))
		return err_set(e, "the machine's %s is not the device %c %u:%u", node->path,
			       node->type, node->major, node->minor);
	if (mount_fd_set(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0, e))
		return -1;
	return take_fd(&fd);
}

int devices_open_null(struct err *e)
{
	return clone_node(&nodes[0], e);
}

/* What is there already is covered; an image may bring its /dev. */
static int attach_node(int source_fd, int dir_fd, const char *name, const struct oci_device *node,
		       struct err *e)
{
	struct stat st;

	if (mknodat(dir_fd, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return err_sys(e, "make %s", node->path);
	if (mount_fd_attach_at(source_fd, dir_fd, name, e) == 0)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, "%s in the image is a folder", node->path);
	return -1;
}

static int bind_node(int dir_fd, const char *name, const struct oci_device *node, struct err *e)
{
	AUTO_FD int source_fd = clone_node(node, e);

	return source_fd < 0 ? -1 : attach_node(source_fd, dir_fd, name, node, e);
}

/* mode as it stands: mount_do has cleared the umask. */
static int make_node(int dir_fd, const char *name, const struct oci_device *node, struct err *e)
{
	mode_t mode = file_type(node) | node->mode;
	dev_t number = node->type == 'p' ? 0 : makedev(node->major, node->minor);
	struct stat st;

	if (mknodat(dir_fd, name, mode, number) < 0) {
		if (errno == EPERM && node->type != 'p')
			return bind_node(dir_fd, name, node, e);
		if (errno != EEXIST)
			return err_sys(e, "make %s", node->path);
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "stat %s", node->path);
		/* The same in other clothes: an earlier default, or the image's. */
		if (!is_node(&st, node))
			return err_set(e, "%s in the image is not the device %c %u:%u", node->path,
				       node->type, node->major, node->minor);
		if ((st.st_mode & 07777) != node->mode &&
		    (unlinkat(dir_fd, name, 0) < 0 || mknodat(dir_fd, name, mode, number) < 0))
			return err_sys(e, "make %s again", node->path);
	}
	if ((node->uid || node->gid) &&
	    fchownat(dir_fd, name, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "give %s to %u:%u", node->path, node->uid, node->gid);
	return 0;
}

static int put_node(int dir_fd, const char *name, const struct oci_device *node, bool bind_nodes,
		    struct err *e)
{
	return bind_nodes && node->type != 'p' ? bind_node(dir_fd, name, node, e) :
						 make_node(dir_fd, name, node, e);
}

int devices_populate(int dev_fd, bool bind_nodes, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		if (put_node(dev_fd, nodes[i].path + strlen("/dev/"), &nodes[i], bind_nodes, e))
			return -1;
	/* One that is there already is the image's own wish, and leads nowhere that matters to us.
	 */
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0 && errno != EEXIST)
			return err_sys(e, "make /dev/%s", links[i].name);
	return 0;
}

bool devices_has_link(const char *path)
{
	if (!str_starts(path, "/dev/"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (str_equal(links[i].name, path + strlen("/dev/")))
			return true;
	return false;
}

int devices_add(int root_fd, const struct oci_device *node, int source_fd, bool bind_nodes,
		struct err *e)
{
	const char *name;
	AUTO_FD int dir_fd = mount_target_parent(root_fd, node->path, &name, e);

	if (dir_fd < 0)
		return -1;
	return source_fd >= 0 ? attach_node(source_fd, dir_fd, name, node, e) :
				put_node(dir_fd, name, node, bind_nodes, e);
}

int devices_make_console(int root_fd, struct err *e)
{
	AUTO_FD int fd = mount_target_open(root_fd, "/dev/console",
					   MOUNT_TARGET_FILE | MOUNT_TARGET_NOFOLLOW, e);

	return fd < 0 ? -1 : 0;
}
