/* host.c - see host.h */
#include "box/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"

/* What a failed start has given back already is room too: a few files, and a configuration. */
enum { ROOM_FILES = 32, ROOM_BYTES = 256 << 10 };

static int open_dir(const char *path, struct err *e)
{
	return fs_open_dir_at(AT_FDCWD, path, e);
}

static int make_dir(int parent_fd, const char *name, mode_t mode, struct err *e)
{
	if (fs_make_dir_at(parent_fd, name, mode, e))
		return -1;
	return fs_open_dir_at(parent_fd, name, e);
}

int box_host_open(struct box_host *h, struct err *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int data_fd;

	h->cpu_count = cpus > 0 ? (unsigned)cpus : 1;
	h->images_fd = open_dir(BOX_IMAGES_DIR, e);
	h->proc_fd = open_dir("/proc", e);
	h->state_fd = make_dir(AT_FDCWD, BOX_STATE_DIR, 0700, e);
	data_fd = make_dir(AT_FDCWD, BOX_DATA_DIR, 0700, e);
	h->volumes_fd = make_dir(AT_FDCWD, BOX_VOLUMES_DIR, 0711, e);
	if (h->images_fd < 0 || h->proc_fd < 0 || h->state_fd < 0 || data_fd < 0 ||
	    h->volumes_fd < 0)
		return -1;
	h->layers_fd = make_dir(h->state_fd, ".layers", 0700, e);
	h->containers_fd = make_dir(data_fd, "containers", 0700, e);
	h->trash_fd = make_dir(data_fd, "trash", 0700, e);
	close(data_fd);
	if (h->layers_fd < 0 || h->containers_fd < 0 || h->trash_fd < 0)
		return -1;
	h->cgroup_fd = cgroup_open_parent(e);
	if (h->cgroup_fd < 0 && e->number != ENOENT)
		return -1;
	if (h->cgroup_fd < 0)
		log_warn("%s: containers have no limits", e->text);
	return 0;
}

static bool is_full(int fd)
{
	struct statvfs st;

	/* Some file systems have no number of files. */
	return fstatvfs(fd, &st) == 0 && ((uint64_t)st.f_bavail * st.f_frsize < ROOM_BYTES ||
					  (st.f_files && st.f_favail < ROOM_FILES));
}

const char *box_host_full(const struct box_host *h)
{
	if (is_full(h->state_fd))
		return "/run";
	return is_full(h->containers_fd) ? "/data" : NULL;
}
