/* mount_fd.c - see mount_fd.h */
#include "box/mount_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

/* Of statx(2); musl has the call but not yet this bit. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

enum { OPTION_BYTES_MAX = 4096, MESSAGE_BYTES_MAX = 256 };

/* The context's log has lines like "e tmpfs: Bad value for 'size'"; errno alone says
 * only EINVAL. */
static int context_error(int context_fd, const char *fstype, const char *what, struct err *e)
{
	int number = errno;
	char message[MESSAGE_BYTES_MAX];
	ssize_t size = read(context_fd, message, sizeof(message) - 1);

	errno = number;
	if (size <= 2)
		return err_sys(e, "mount %s: %s", fstype, what);
	message[size] = '\0';
	message[strcspn(message, "\n")] = '\0';
	return err_sys(e, "mount %s: %s: %s", fstype, what, message + 2);
}

static int configure(int context_fd, const char *option)
{
	char key[OPTION_BYTES_MAX];
	char *value;

	if (!str_copy(key, sizeof(key), option)) {
		errno = E2BIG;
		return -1;
	}
	value = strchr(key, '=');
	if (!value)
		return (int)syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_FLAG, key, NULL, 0);
	*value++ = '\0';
	return (int)syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, key, value, 0);
}

int mount_fd_new(const char *fstype, const char *source, const char *const *data, uint64_t attrs,
		 struct err *e)
{
	AUTO_FD int context_fd = (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);

	if (context_fd < 0)
		return err_sys(e, "mount %s", fstype);
	if (source &&
	    syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return context_error(context_fd, fstype, source, e);
	for (size_t i = 0; data && data[i]; i++)
		if (configure(context_fd, data[i]) < 0)
			return context_error(context_fd, fstype, data[i], e);
	if (syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_error(context_fd, fstype, "create", e);
	int mount_fd = (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC, attrs);

	return mount_fd < 0 ? context_error(context_fd, fstype, "fsmount", e) : mount_fd;
}

static int clone_with(int dir_fd, const char *path, unsigned flags, struct err *e)
{
	int fd = (int)syscall(SYS_open_tree, dir_fd, path,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags | AT_SYMLINK_NOFOLLOW |
				      (path[0] ? 0 : AT_EMPTY_PATH));

	return fd < 0 ? err_sys(e, "copy the mount of %s", path[0] ? path : "a directory") : fd;
}

int mount_fd_clone(int dir_fd, const char *path, struct err *e)
{
	return clone_with(dir_fd, path, 0, e);
}

int mount_fd_clone_tree(int dir_fd, const char *path, struct err *e)
{
	return clone_with(dir_fd, path, AT_RECURSIVE, e);
}

static int set_attr(int mount_fd, struct mount_attr *attr, unsigned flags, struct err *e)
{
	if (syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr)) <
	    0)
		return err_sys(e, "change a mount's attributes");
	return 0;
}

int mount_fd_set(int mount_fd, uint64_t set, uint64_t clear, int recursive, struct err *e)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	return set_attr(mount_fd, &attr, recursive ? AT_RECURSIVE : 0, e);
}

int mount_fd_private(int mount_fd, struct err *e)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };

	return set_attr(mount_fd, &attr, AT_RECURSIVE, e);
}

int mount_fd_attach(int mount_fd, int target_fd, struct err *e)
{
	if (syscall(SYS_move_mount, mount_fd, "", target_fd, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "attach a mount");
	return 0;
}

bool mount_fd_is_root(int dir_fd)
{
	struct statx st;

	return statx(dir_fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}
