/* overlay.h - a container's root: the image's layers below, its own writable folder on top.
 *
 * Every part is an idmapped copy for the container's user namespace, so files on disk keep plain
 * ids and no file is ever chowned for a container. */
#pragma once

#include <stdint.h>

struct err;
struct layers;

struct overlay_parts {
	const struct layers *layers;
	int container_fd;	/* has, or gets, upper/ and work/ */
	int user_ns_fd;
	uint32_t uid, gid;	/* of the container's root, outside */
	int mount_ns_fd; /* the container's mount namespace: overlayfs of 6.12 takes its layers only
			  * from the mount namespace of the caller, and they must not appear
			  * in ours */
	int own_mount_ns_fd;
};

/* The detached root. The caller's working directory and root become those of its mount namespace
 * again. */
int overlay_make(const struct overlay_parts *parts, struct err *e);
