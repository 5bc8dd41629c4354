/* mount_target.h - the place in a container's root that something is mounted on: opened, and made
 * when it is missing, without ever leaving the root.
 *
 * The image decides what lies there, and another container that shares a volume may change it
 * meanwhile (CVE-2021-30465, CVE-2024-45310): each step is one openat2(2) in the root, and what is
 * made is made in a folder that is open. Links are followed inside the root, also ones that lead to
 * something missing, which is made then. */
#pragma once

struct err;

enum mount_target {
	MOUNT_TARGET_FOLDER = 1,	/* a missing one is made as a folder, and it must be one */
	MOUNT_TARGET_FILE = 2,		/* a missing one is made as an empty file */
	MOUNT_TARGET_NOFOLLOW = 4,	/* a link anywhere on the way is an error */
	MOUNT_TARGET_LAST = 8,		/* a link at the end is the target itself */
	MOUNT_TARGET_THERE = 16,	/* a missing one is an error all the same */
};

/* Returns an O_PATH fd, or that of the new file. Without FOLDER and FILE a missing target is an
 * error, e->number ENOENT. path is absolute, from root_fd. */
int mount_target_open(int root_fd, const char *path, unsigned how, struct err *e);

/* As above, but makes nothing, and says why in errno alone. */
int mount_target_try(int root_fd, const char *path, unsigned how);

/* The folder that path lies in, made when it is missing; *name is the part behind it. */
int mount_target_parent(int root_fd, const char *path, const char **name, struct err *e);
