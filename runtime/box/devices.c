/* devices.c - see devices.h */
#include "box/devices.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "lib/err.h"
#include "lib/fd.h"

static const struct {
	const char *name;
	unsigned major, minor;	/* Documentation/admin-guide/devices.txt */
} nodes[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },	 { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

int devices_clone(const char *name, struct err *e)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", name);
	AUTO_FD int fd = mount_fd_clone(AT_FDCWD, path, e);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (strcmp(nodes[i].name, name) == 0 && S_ISCHR(st.st_mode) &&
		    st.st_rdev == makedev(nodes[i].major, nodes[i].minor))
			return mount_fd_set(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0, e)
				       ? -1
				       : take_fd(&fd);
	return err_set(e, "the machine's %s is not the device of that name", path);
}

static int bind_node(int dev_fd, const char *name, struct err *e)
{
	AUTO_FD int source_fd = devices_clone(name, e);
	AUTO_FD int target_fd = -1;

	if (source_fd < 0)
		return -1;
	target_fd =
		openat(dev_fd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, 0644);
	if (target_fd < 0)
		return err_sys(e, "make /dev/%s", name);
	return mount_fd_attach(source_fd, target_fd, e);
}

int devices_populate(int dev_fd, struct err *e)
{
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (bind_node(dev_fd, nodes[i].name, e))
			return -1;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0)
			return err_sys(e, "make /dev/%s", links[i].name);
	return 0;
}
