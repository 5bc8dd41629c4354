/* idmap.c - see idmap.h */
#include "box/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "box/ns.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "oci/spec.h"

enum { MAP_BYTES_MAX = 4096 };	/* user_namespaces(7): a write is at most a page */

static int write_map(int proc_fd, pid_t pid, const char *file, const struct oci_id_maps *maps,
		     struct err *e)
{
	char name[64];
	struct buf text;
	int failed;

	buf_init(&text, MAP_BYTES_MAX);
	for (size_t i = 0; i < maps->count; i++)
		buf_add_format(&text, "%u %u %u\n", maps->items[i].container_id,
			       maps->items[i].host_id, maps->items[i].size);
	snprintf(name, sizeof(name), "%d/%s", (int)pid, file);
	failed = text.data ? fs_write_control_at(proc_fd, name, text.data, e)
			   : err_set(e, "%s is empty", file);
	buf_finish(&text);
	return failed;
}

int idmap_write(int proc_fd, pid_t pid, const struct oci_id_maps *uids,
		const struct oci_id_maps *gids, struct err *e)
{
	if (write_map(proc_fd, pid, "uid_map", uids, e) ||
	    write_map(proc_fd, pid, "gid_map", gids, e))
		return err_add(e, "user namespace");
	return 0;
}

bool idmap_outside(const struct oci_id_maps *maps, uint32_t inside, uint32_t *outside)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *m = &maps->items[i];

		if (inside >= m->container_id && inside - m->container_id < m->size) {
			*outside = m->host_id + (inside - m->container_id);
			return true;
		}
	}
	return false;
}

bool idmap_inside(const struct oci_id_maps *maps, uint32_t outside, uint32_t *inside)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *m = &maps->items[i];

		if (outside >= m->host_id && outside - m->host_id < m->size) {
			*inside = m->container_id + (outside - m->host_id);
			return true;
		}
	}
	return false;
}

/* The helper lives until its namespace is open; should its parent die first, it goes too. */
static void __attribute__((noreturn)) be_helper(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		pause();
}

int idmap_user_ns(const struct oci_id_maps *uids, const struct oci_id_maps *gids, struct err *e)
{
	AUTO_FD int proc_fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int pidfd = -1;
	pid_t parent = getpid(), pid;
	int user_ns_fd = -1;

	if (proc_fd < 0)
		return err_sys(e, "open /proc");
	pid = ns_clone(CLONE_NEWUSER, -1, &pidfd, e);
	if (pid == 0)
		be_helper(parent);
	if (pid < 0)
		return err_add(e, "id mapping of a mount");
	if (idmap_write(proc_fd, pid, uids, gids, e) == 0)
		user_ns_fd = ns_open(proc_fd, pid, "user", e);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return user_ns_fd;
}

static int map_mount(int mount_fd, int user_ns_fd, bool recursive, struct err *e)
{
	const struct mount_change c = {
		.set = MOUNT_ATTR_IDMAP, .user_ns_fd = user_ns_fd, .recursive = recursive,
	};

	return mount_fd_change(mount_fd, "", &c, e) ? err_add(e, "idmapped mount") : 0;
}

int idmap_mount(int mount_fd, int user_ns_fd, struct err *e)
{
	return map_mount(mount_fd, user_ns_fd, false, e);
}

int idmap_mount_tree(int mount_fd, int user_ns_fd, struct err *e)
{
	return map_mount(mount_fd, user_ns_fd, true, e);
}
