/* mount_fd.c - see mount_fd.h */
#include "box/mount_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"

/* Of statx(2); musl has the call but not yet this bit. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

enum {
	DATA_BYTES_MAX = 512,		/* of mount(2); what is longer goes the long way */
	KEY_BYTES_MAX = 64,
	MESSAGE_BYTES_MAX = 256
};

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

static int set_flag(int context_fd, const char *key)
{
	return (int)syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_FLAG, key, NULL, 0);
}

static int configure(int context_fd, const char *option)
{
	const char *value = strchr(option, '=');
	char key[KEY_BYTES_MAX];

	if (!value)
		return set_flag(context_fd, option);
	if ((size_t)(value - option) >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, option, (size_t)(value - option));
	key[value - option] = '\0';
	return (int)syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, key, value + 1, 0);
}

/* Those that fsconfig(2) has a word for; the others mean nothing to today's file systems. */
static int configure_super(int context_fd, unsigned long flags, const char *fstype, struct err *e)
{
	static const struct {
		unsigned long flag;
		const char *word;
	} words[] = {
		{ MS_RDONLY, "ro" },	     { MS_SYNCHRONOUS, "sync" }, { MS_DIRSYNC, "dirsync" },
		{ MS_LAZYTIME, "lazytime" }, { MS_MANDLOCK, "mand" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag && set_flag(context_fd, words[i].word) < 0)
			return context_error(context_fd, fstype, words[i].word, e);
	return 0;
}

int mount_fd_create(const struct mount_new *n, struct err *e)
{
	AUTO_FD int context_fd = (int)syscall(SYS_fsopen, n->fstype, FSOPEN_CLOEXEC);

	if (context_fd < 0 && errno == ENODEV)
		return err_sys(e, "mount %s: the kernel has no file system of this name",
			       n->fstype);
	if (context_fd < 0)
		return err_sys(e, "mount %s", n->fstype);
	if (n->source &&
	    syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, "source", n->source, 0) < 0)
		return context_error(context_fd, n->fstype, n->source, e);
	for (size_t i = 0; n->data && n->data[i]; i++)
		if (configure(context_fd, n->data[i]) < 0)
			return context_error(context_fd, n->fstype, n->data[i], e);
	if (n->more && configure(context_fd, n->more) < 0)
		return context_error(context_fd, n->fstype, n->more, e);
	if (configure_super(context_fd, n->super_flags, n->fstype, e))
		return -1;
	if (syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_error(context_fd, n->fstype, "create", e);
	int mount_fd = (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC, n->attrs);

	return mount_fd < 0 ? context_error(context_fd, n->fstype, "fsmount", e) : mount_fd;
}

int mount_fd_new(const char *fstype, const char *source, const char *const *data, uint64_t attrs,
		 struct err *e)
{
	const struct mount_new n = {
		.fstype = fstype, .source = source, .data = data, .attrs = attrs,
	};

	return mount_fd_create(&n, e);
}

static unsigned long old_flags(uint64_t attrs)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
	} pairs[] = {
		{ MOUNT_ATTR_RDONLY, MS_RDONLY },
		{ MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, MS_NODEV },
		{ MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NOATIME, MS_NOATIME },
		{ MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
		{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
		{ MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (attrs & pairs[i].attr)
			flags |= pairs[i].flag;
	return flags;
}

/* Appends a word to the list that mount(2) takes; false when it does not fit. */
static bool add_word(char *data, size_t *used, const char *word)
{
	size_t size = strlen(word);

	if (size + 1 >= DATA_BYTES_MAX - *used)
		return false;
	if (*used)
		data[(*used)++] = ',';
	memcpy(data + *used, word, size + 1);
	*used += size;
	return true;
}

int mount_fd_over(const struct mount_new *n, const char *name)
{
	char data[DATA_BYTES_MAX];
	size_t used = 0;
	bool fits = true;

	data[0] = '\0';
	for (size_t i = 0; n->data && n->data[i]; i++)
		fits = fits && add_word(data, &used, n->data[i]);
	if (n->more)
		fits = fits && add_word(data, &used, n->more);
	if (!fits) {
		errno = E2BIG;
		return -1;
	}
	return mount(n->source ? n->source : "none", name, n->fstype,
		     n->super_flags | old_flags(n->attrs), used ? data : NULL);
}

int mount_fd_bind_over(const char *from, const char *name, bool recursive)
{
	return mount(from, name, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL);
}

int mount_fd_copy(int dir_fd, const char *path, unsigned how, struct err *e)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (how & MOUNT_CLONE_TREE)
		flags |= AT_RECURSIVE;
	if (!(how & MOUNT_CLONE_FOLLOW))
		flags |= AT_SYMLINK_NOFOLLOW;
	if (!path[0])
		flags |= AT_EMPTY_PATH;
	int fd = (int)syscall(SYS_open_tree, dir_fd, path, flags);

	if (fd < 0 && errno == EMFILE)
		return err_set(e,
			       "copy the mount of %s: no file descriptor is left: each bind mount "
			       "needs one, so raise the limit of open files (ulimit -n)",
			       path[0] ? path : "a directory");
	return fd < 0 ? err_sys(e, "copy the mount of %s", path[0] ? path : "a directory") : fd;
}

int mount_fd_clone(int dir_fd, const char *path, struct err *e)
{
	return mount_fd_copy(dir_fd, path, 0, e);
}

int mount_fd_clone_tree(int dir_fd, const char *path, struct err *e)
{
	return mount_fd_copy(dir_fd, path, MOUNT_CLONE_TREE, e);
}

int mount_fd_change(int dir_fd, const char *path, const struct mount_change *c, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = c->set,
		.attr_clr = c->clear,
		.propagation = c->propagation,
		.userns_fd = c->set & MOUNT_ATTR_IDMAP ? (uint64_t)c->user_ns_fd : 0,
	};
	unsigned flags = (path[0] ? 0 : AT_EMPTY_PATH) | (c->recursive ? AT_RECURSIVE : 0);

	if (syscall(SYS_mount_setattr, dir_fd, path, flags, &attr, sizeof(attr)) < 0)
		return err_sys(e, "change a mount's attributes");
	return 0;
}

int mount_fd_set(int mount_fd, uint64_t set, uint64_t clear, int recursive, struct err *e)
{
	const struct mount_change c = { .set = set, .clear = clear, .recursive = recursive };

	return mount_fd_change(mount_fd, "", &c, e);
}

int mount_fd_private(int mount_fd, struct err *e)
{
	const struct mount_change c = { .propagation = MS_PRIVATE, .recursive = true };

	return mount_fd_change(mount_fd, "", &c, e);
}

int mount_fd_attach_at(int mount_fd, int dir_fd, const char *name, struct err *e)
{
	if (syscall(SYS_move_mount, mount_fd, "", dir_fd, name,
		    MOVE_MOUNT_F_EMPTY_PATH | (name[0] ? 0 : MOVE_MOUNT_T_EMPTY_PATH)) < 0)
		return err_sys(e, "attach a mount");
	return 0;
}

int mount_fd_attach(int mount_fd, int target_fd, struct err *e)
{
	return mount_fd_attach_at(mount_fd, target_fd, "", e);
}

bool mount_fd_is_root(int dir_fd)
{
	struct statx st;

	return statx(dir_fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}
