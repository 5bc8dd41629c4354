/* tree_copy.h - copies a folder as a container sees it to one with plain ids: by fds, following no
 * link.
 *
 * Regular files, folders and symbolic links with owners and modes; other kinds, and what an id map
 * does not hold, are left out. */
#pragma once

struct err;
struct oci_id_maps;

struct tree_copy {
	const struct oci_id_maps *uid_maps, *gid_maps;	/* from the ids seen to the plain ones;
							 * NULL = they are the same */
};

/* The content of from_fd into to_fd, and the folder's own owner and mode. */
int tree_copy(const struct tree_copy *c, int from_fd, int to_fd, struct err *e);
