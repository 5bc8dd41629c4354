/* tree_copy.c - see tree_copy.h */
#include "box/tree_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/idmap.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

enum { DEPTH_MAX = 64, CHUNK_BYTES = 1 << 30 };

static int copy_folder(const struct tree_copy *c, int from_fd, int to_fd, unsigned depth,
		       struct err *e);

static bool plain_ids(const struct tree_copy *c, const struct stat *st, uint32_t *uid,
		      uint32_t *gid)
{
	if (!c->uid_maps) {
		*uid = st->st_uid;
		*gid = st->st_gid;
		return true;
	}
	return idmap_inside(c->uid_maps, st->st_uid, uid) &&
	       idmap_inside(c->gid_maps, st->st_gid, gid);
}

static int set_owner(const struct tree_copy *c, int fd, const struct stat *st, struct err *e)
{
	uint32_t uid, gid;

	if (!plain_ids(c, st, &uid, &gid))
		return 0;
	/* The mode last: chown clears the set-id bits. */
	if (fchown(fd, uid, gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0)
		return err_sys(e, "set owner and mode");
	return 0;
}

static int copy_file(const struct tree_copy *c, int from_dir_fd, int to_dir_fd, const char *name,
		     const struct stat *st, struct err *e)
{
	AUTO_FD int from_fd =
		openat(from_dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FD int to_fd =
		openat(to_dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (from_fd < 0 || to_fd < 0)
		return err_sys(e, "open");
	while ((n = sendfile(to_fd, from_fd, NULL, CHUNK_BYTES)) > 0)
		;
	if (n < 0)
		return err_sys(e, "copy");
	return set_owner(c, to_fd, st, e);
}

static int copy_link(const struct tree_copy *c, int from_dir_fd, int to_dir_fd, const char *name,
		     const struct stat *st, struct err *e)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(from_dir_fd, name, target, sizeof(target) - 1);
	uint32_t uid, gid;

	if (size < 0)
		return err_sys(e, "read link");
	target[size] = '\0';
	if (symlinkat(target, to_dir_fd, name) < 0)
		return err_sys(e, "make link");
	if (plain_ids(c, st, &uid, &gid) &&
	    fchownat(to_dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "set owner");
	return 0;
}

static int copy_entry(const struct tree_copy *c, int from_dir_fd, int to_dir_fd, const char *name,
		      unsigned depth, struct err *e)
{
	struct stat st;

	if (fstatat(from_dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat");
	if (S_ISREG(st.st_mode))
		return copy_file(c, from_dir_fd, to_dir_fd, name, &st, e);
	if (S_ISLNK(st.st_mode))
		return copy_link(c, from_dir_fd, to_dir_fd, name, &st, e);
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (mkdirat(to_dir_fd, name, 0700) < 0)
		return err_sys(e, "make folder");
	AUTO_FD int from_fd =
		openat(from_dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FD int to_fd =
		openat(to_dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (from_fd < 0 || to_fd < 0)
		return err_sys(e, "open folder");
	return copy_folder(c, from_fd, to_fd, depth + 1, e);
}

static int copy_folder(const struct tree_copy *c, int from_fd, int to_fd, unsigned depth,
		       struct err *e)
{
	int list_fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = 0;
	DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct stat st;

	if (!dir || fstat(from_fd, &st) < 0)
		return err_sys(e, "read folder");
	if (depth == DEPTH_MAX)
		failed = err_set(e, "folders nest deeper than %d", DEPTH_MAX);
	for (struct dirent *entry; !failed && (entry = readdir(dir));) {
		if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
			continue;
		failed = copy_entry(c, from_fd, to_fd, entry->d_name, depth, e);
		if (failed)
			err_add(e, "%s", entry->d_name);
	}
	closedir(dir);
	return failed ? -1 : set_owner(c, to_fd, &st, e);
}

int tree_copy(const struct tree_copy *c, int from_fd, int to_fd, struct err *e)
{
	return copy_folder(c, from_fd, to_fd, 0, e);
}
