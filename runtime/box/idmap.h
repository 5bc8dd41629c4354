/* idmap.h - the ids of a container: the maps of its user namespace, and mounts that carry them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct err;
struct oci_id_maps;

/* Writes uid_map and gid_map of a process in a fresh user namespace. proc_fd is /proc of our pid
 * namespace. */
int idmap_write(int proc_fd, pid_t pid, const struct oci_id_maps *uids,
		const struct oci_id_maps *gids, struct err *e);

/* The id outside that `inside` stands for; false when no line of the map holds it. */
bool idmap_outside(const struct oci_id_maps *maps, uint32_t inside, uint32_t *outside);
bool idmap_inside(const struct oci_id_maps *maps, uint32_t outside, uint32_t *inside);

/* "uids=0-1000-10#10-5000-1;gids=@0-0-10" as crun takes it behind `idmap=`: inside, outside, size.
 * With
 * @ the outside id is one of the container's, to be found in `within`. Pure. */
struct idmap_pair {
	const struct oci_id_maps *uids, *gids;
};

int idmap_parse(struct idmap_pair *maps, struct arena *a, const char *text,
		const struct idmap_pair *within, struct err *e);

/* A user namespace with these maps that nobody lives in, for idmap_mount. */
int idmap_user_ns(const struct oci_id_maps *uids, const struct oci_id_maps *gids, struct err *e);

/* Files of a detached mount keep their plain ids on disk and show the namespace's. EINVAL in
 * e->number: the file system cannot (9p in 6.12). */
int idmap_mount(int mount_fd, int user_ns_fd, struct err *e);
int idmap_mount_tree(int mount_fd, int user_ns_fd, struct err *e);	/* and its submounts */
