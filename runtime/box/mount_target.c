/* mount_target.c - see mount_target.h */
#include "box/mount_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

enum {
	LINKS_MAX = 40, /* as the kernel's own MAXSYMLINKS */
	TRIES_MAX = 64, /* openat2(2) says EAGAIN while others rename; only an attacker keeps
			 * that up */
};

struct walk {
	int root_fd;
	unsigned how;
	char path[PATH_MAX];
	bool again;		/* path has changed: from the start */
};

static int open_in(int root_fd, const char *path, unsigned how, bool folder, bool last)
{
	struct open_how open_how = {
		.flags = O_PATH | O_CLOEXEC | (folder ? O_DIRECTORY : 0) |
			 (last && how & MOUNT_TARGET_LAST ? O_NOFOLLOW : 0),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
			   (how & MOUNT_TARGET_NOFOLLOW ? RESOLVE_NO_SYMLINKS : 0),
	};
	int fd = -1;

	for (int i = 0; i < TRIES_MAX; i++) {
		fd = (int)syscall(SYS_openat2, root_fd, path, &open_how, sizeof(open_how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

int mount_target_try(int root_fd, const char *path, unsigned how)
{
	return open_in(root_fd, path, how, how & MOUNT_TARGET_FOLDER, true);
}

/* The first `length` bytes of the path. */
static int open_prefix(struct walk *w, size_t length, bool folder)
{
	char kept = w->path[length];
	int fd;

	w->path[length] = '\0';
	fd = open_in(w->root_fd, w->path, w->how, folder, !kept);
	w->path[length] = kept;
	return fd;
}

/* The component that ends at `length` is a link to something missing: its text takes its place. */
static int expand(struct walk *w, int parent_fd, const char *name, size_t start, size_t length)
{
	char link[PATH_MAX], longer[PATH_MAX];
	ssize_t size = readlinkat(parent_fd, name, link, sizeof(link) - 1);
	int total;

	if (size < 0 && errno != EINVAL)
		return -1;
	w->again = true;
	if (size < 0)
		return -1;	/* somebody made something else meanwhile: look again */
	link[size] = '\0';
	total = snprintf(longer, sizeof(longer), "%.*s%s%s", link[0] == '/' ? 0 : (int)start,
			 w->path, link, w->path + length);
	if (total < 0 || (size_t)total >= sizeof(longer)) {
		w->again = false;
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(w->path, longer, (size_t)total + 1);
	return -1;
}

static int make(int parent_fd, const char *name, bool folder)
{
	if (!folder)
		return openat(parent_fd, name,
			      O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (mkdirat(parent_fd, name, 0755) < 0)
		return -1;
	return openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens the prefix, making it and the folders above it. */
static int reach(struct walk *w, size_t length, bool folder)
{
	size_t start = length, above;
	char name[NAME_MAX + 1];
	int parent_fd, fd = open_prefix(w, length, folder), number;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	while (start > 0 && w->path[start - 1] != '/')
		start--;
	for (above = start; above > 0 && w->path[above - 1] == '/';)
		above--;
	if (length - start > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, w->path + start, length - start);
	name[length - start] = '\0';
	parent_fd = above ? reach(w, above, true) : w->root_fd;
	if (parent_fd < 0)
		return -1;
	fd = make(parent_fd, name, folder);
	if (fd < 0 && errno == EEXIST && !(w->how & MOUNT_TARGET_NOFOLLOW))
		expand(w, parent_fd, name, start, length);
	number = errno;
	if (parent_fd != w->root_fd)
		close(parent_fd);
	errno = number;
	return fd;
}

static int target_error(const char *path, unsigned how, bool missing, struct err *e)
{
	if (errno == ENOTDIR || (errno == ELOOP && how & MOUNT_TARGET_NOFOLLOW))
		return err_set(e, "%s in the image is not a %s", path,
			       how & MOUNT_TARGET_FILE ? "file" : "folder");
	return err_sys(e, "%s %s in the root", missing ? "make" : "open", path);
}

/* Apart from the caller for its large frame: what is missing is the exception. */
static int __attribute__((noinline)) make_path(int root_fd, const char *path, unsigned how)
{
	struct walk w = { .root_fd = root_fd, .how = how };
	int fd, links = 0;

	if (!str_copy(w.path, sizeof(w.path), path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	do {
		size_t length = strlen(w.path);

		while (length > 1 && w.path[length - 1] == '/')
			w.path[--length] = '\0';
		w.again = false;
		fd = reach(&w, length, how & MOUNT_TARGET_FOLDER);
	} while (fd < 0 && w.again && ++links < LINKS_MAX);
	if (fd < 0 && w.again)
		errno = ELOOP;
	return fd;
}

int mount_target_open(int root_fd, const char *path, unsigned how, struct err *e)
{
	int fd = mount_target_try(root_fd, path, how);
	bool missing = false;

	if (fd < 0 && errno == ENOENT && !(how & MOUNT_TARGET_THERE) &&
	    how & (MOUNT_TARGET_FOLDER | MOUNT_TARGET_FILE)) {
		missing = true;
		fd = make_path(root_fd, path, how);
	}
	return fd < 0 ? target_error(path, how, missing, e) : fd;
}

int mount_target_parent(int root_fd, const char *path, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (!slash || !slash[1])
		return err_set(e, "%s names no file", path);
	*name = slash + 1;
	if ((size_t)(slash - path) >= sizeof(folder))
		return err_set(e, "a path of more than %d bytes", PATH_MAX - 1);
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	return mount_target_open(root_fd, folder[0] ? folder : "/", MOUNT_TARGET_FOLDER, e);
}
