/* mount_fd.h - the kernel's mount calls by fd (fsopen, open_tree, move_mount, mount_setattr): what
 * libc does not have, with our errors. Every fd is O_CLOEXEC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

/* A new file system instance, mounted nowhere yet. data: "key=value" or "flag", NULL-terminated.
 * The kernel's own message about a refused option ends up in *e. */
int mount_fd_new(const char *fstype, const char *source, const char *const *data, uint64_t attrs,
		 struct err *e);

/* A detached copy of the one mount at path below dir_fd ("" = dir_fd itself), without its
 * submounts. */
int mount_fd_clone(int dir_fd, const char *path, struct err *e);
int mount_fd_clone_tree(int dir_fd, const char *path, struct err *e);	/* with its submounts */

/* recursive: the submounts too. */
int mount_fd_set(int mount_fd, uint64_t set, uint64_t clear, int recursive, struct err *e);
int mount_fd_private(int mount_fd, struct err *e); /* propagation off, recursive */

/* Attaches a detached mount on what target_fd stands for. */
int mount_fd_attach(int mount_fd, int target_fd, struct err *e);

/* Is the folder the root of a mount? */
bool mount_fd_is_root(int dir_fd);
