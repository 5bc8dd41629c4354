#include "lib/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

/* openat2(2) says EAGAIN when a rename elsewhere made its answer unsure; only an attacker keeps
 * that up. */
enum { OPEN_TRIES = 64 };

static int open_in(int root_fd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
	int fd = -1, i;

	for (i = 0; i < OPEN_TRIES; i++) {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode, struct err *e)
{
	bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	int fd = open_in(root_fd, path, (uint64_t)flags, makes ? mode : 0,
			 RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	if (fd < 0)
		return err_sys(e, "open %s", path);
	return fd;
}

/* One more component: prefix is the path up to and with it, name its last part. Always resolved
 * from the root again, because `..` and absolute links count from there and not from the last
 * directory. */
static int open_or_make(int root_fd, int parent_fd, const char *prefix, const char *name,
			mode_t mode)
{
	const uint64_t flags = O_PATH | O_DIRECTORY,
		       resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	int fd = open_in(root_fd, prefix, flags, 0, resolve);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(parent_fd, name, mode) < 0 && errno != EEXIST)
		return -1;
	return open_in(root_fd, prefix, flags, 0, resolve);
}

int fs_make_dirs_in_root(int root_fd, const char *path, mode_t mode, struct err *e)
{
	char prefix[PATH_MAX];
	AUTO_FD int parent_fd = -1;
	size_t end = 0, start;
	int fd;

	if (strlen(path) >= sizeof(prefix))
		return err_set(e, "make directory: the path is longer than %d bytes", PATH_MAX - 1);
	parent_fd = fs_open_in_root(root_fd, ".", O_PATH | O_DIRECTORY, 0, e);
	if (parent_fd < 0)
		return -1;
	for (;;) {
		start = end + strspn(path + end, "/");
		if (!path[start])
			return take_fd(&parent_fd);
		end = start + strcspn(path + start, "/");
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		fd = open_or_make(root_fd, parent_fd, prefix, prefix + start, mode);
		if (fd < 0)
			return err_sys(e, "make directory %s", prefix);
		fd_close(&parent_fd);
		parent_fd = fd;
	}
}

int fs_open_dir_at(int dir_fd, const char *name, struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open directory %s", name);
	return fd;
}

int fs_make_dir_at(int dir_fd, const char *name, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdirat(dir_fd, name, mode) == 0)
		return 0;
	if (errno == EEXIST) {
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return err_sys(e, "make directory %s", name);
}

static int write_and_sync(int fd, const void *data, size_t size_bytes, struct err *e)
{
	if (fd_write_all(fd, data, size_bytes, e) < 0)
		return -1;
	if (fsync(fd) < 0)
		return err_sys(e, "fsync");
	return 0;
}

int fs_write_atomic_at(int dir_fd, const char *name, const void *data, size_t size_bytes,
		       mode_t mode, struct err *e)
{
	char temporary[NAME_MAX + 1];
	AUTO_FD int folder_fd = -1;
	AUTO_FD int fd = -1;

	if (snprintf(temporary, sizeof(temporary), ".%s.new", name) >= (int)sizeof(temporary))
		return err_set(e, "write %s: the name is too long", name);
	/* For its fsync: dir_fd may be AT_FDCWD or O_PATH. */
	folder_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0)
		return err_sys(e, "write %s: open its folder", name);
	/* One is left over when the power went before the rename. */
	if (unlinkat(folder_fd, temporary, 0) < 0 && errno != ENOENT)
		return err_sys(e, "write %s: remove %s", name, temporary);
	fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode);
	if (fd < 0)
		return err_sys(e, "write %s: create %s", name, temporary);
	if (write_and_sync(fd, data, size_bytes, e) < 0) {
		err_add(e, "write %s", name);
		goto undo;
	}
	if (renameat(folder_fd, temporary, folder_fd, name) < 0) {
		err_sys(e, "write %s: rename", name);
		goto undo;
	}
	if (fsync(folder_fd) < 0)
		return err_sys(e, "write %s: fsync its folder", name);
	return 0;
undo:
	unlinkat(folder_fd, temporary, 0);
	return -1;
}

char *fs_read_at(int dir_fd, const char *name, size_t max_bytes, size_t *size_bytes, struct err *e)
{
	/* A FIFO in a file's place would hold us until somebody writes. */
	AUTO_FD int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *data;

	if (fd < 0) {
		err_sys(e, "read %s", name);
		return NULL;
	}
	data = fd_read_all(fd, max_bytes, size_bytes, e);
	if (!data)
		err_add(e, "read %s", name);
	return data;
}

int fs_write_control_at(int dir_fd, const char *name, const char *text, struct err *e)
{
	AUTO_FD int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
	size_t size_bytes = strlen(text);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open %s", name);
	n = write(fd, text, size_bytes);
	if (n < 0)
		return err_sys(e, "write %s", name);
	if ((size_t)n != size_bytes)
		return err_set(e, "write %s: the kernel took only a part", name);
	return 0;
}

/* Removal of a tree. At most LEVELS_MAX directories are open at once; what lies deeper is first
 * moved up into the top one, where it is an ordinary entry, so that no depth can stop us. */
enum { LEVELS_MAX = 64 }; /* x 272 bytes of stack and one fd each */

struct level {
	DIR *dir;
	bool progress; /* something went since the last rewind */
	char name[NAME_MAX + 1];
};

struct removal {
	int dir_fd;	/* holds levels[0].name */
	int depth;	/* the level in work; -1 = done */
	unsigned moved; /* for names */
	struct level levels[LEVELS_MAX];
};

static int level_parent_fd(const struct removal *r)
{
	return r->depth > 0 ? dirfd(r->levels[r->depth - 1].dir) : r->dir_fd;
}

static int level_enter(struct removal *r, const char *name, struct err *e)
{
	const uint64_t flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	struct level *level = &r->levels[r->depth + 1];
	AUTO_FD int fd = -1;

	r->depth++;
	fd = open_in(level_parent_fd(r), name, flags, 0,
		     RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd >= 0 && str_copy(level->name, sizeof(level->name), name))
		level->dir = fdopendir(fd);
	else
		level->dir = NULL;
	if (!level->dir) {
		r->depth--;
		if (errno == EXDEV)
			return err_set(e, "%s is a mount point: unmount it first", name);
		return err_sys(e, "open %s", name);
	}
	take_fd(&fd);
	level->progress = false;
	return 0;
}

/* The directory was read to its end: it goes, or is read again when entries were added
 * meanwhile. */
static int level_leave(struct removal *r, struct err *e)
{
	struct level *level = &r->levels[r->depth];

	if (unlinkat(level_parent_fd(r), level->name, AT_REMOVEDIR) < 0) {
		if ((errno != ENOTEMPTY && errno != EEXIST) || !level->progress)
			return err_sys(e, "remove %s", level->name);
		level->progress = false;
		rewinddir(level->dir);
		return 0;
	}
	closedir(level->dir);
	r->depth--;
	if (r->depth >= 0)
		r->levels[r->depth].progress = true;
	return 0;
}

static int move_up(struct removal *r, const char *name, struct err *e)
{
	struct level *level = &r->levels[r->depth];
	char target[32];

	for (;;) {
		snprintf(target, sizeof(target), ".deep-%u", r->moved++);
		/* Should it replace an empty directory: that was to go anyway. */
		if (renameat(dirfd(level->dir), name, dirfd(r->levels[0].dir), target) == 0)
			break;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return err_sys(e, "move %s up", name);
	}
	level->progress = true;
	return 0;
}

static int remove_entry(struct removal *r, const struct dirent *entry, struct err *e)
{
	struct level *level = &r->levels[r->depth];
	const char *name = entry->d_name;

	if (str_equal(name, ".") || str_equal(name, ".."))
		return 0;
	if (entry->d_type != DT_DIR) {
		if (unlinkat(dirfd(level->dir), name, 0) == 0) {
			level->progress = true;
			return 0;
		}
		if (errno != EISDIR)
			return err_sys(e, "remove %s", name);
	}
	return r->depth + 1 < LEVELS_MAX ? level_enter(r, name, e) : move_up(r, name, e);
}

int fs_remove_tree_at(int dir_fd, const char *name, struct err *e)
{
	struct removal r = { .dir_fd = dir_fd, .depth = -1 };
	struct dirent *entry;
	int result;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return err_sys(e, "remove %s", name);
	result = level_enter(&r, name, e);
	while (result == 0 && r.depth >= 0) {
		errno = 0;
		entry = readdir(r.levels[r.depth].dir);
		if (entry)
			result = remove_entry(&r, entry, e);
		else if (errno != 0)
			result = err_sys(e, "read directory %s", r.levels[r.depth].name);
		else
			result = level_leave(&r, e);
	}
	for (; r.depth >= 0; r.depth--)
		closedir(r.levels[r.depth].dir);
	return result < 0 ? err_add(e, "remove tree %s", name) : 0;
}
