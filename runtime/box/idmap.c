/* idmap.c - see idmap.h */
#include "box/idmap.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
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

int idmap_mount(int mount_fd, int user_ns_fd, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (uint64_t)user_ns_fd };

	if (syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(e, "idmapped mount");
	return 0;
}
