/* mount_fd.h - the kernel's mount calls by fd (fsopen, open_tree, move_mount, mount_setattr): what
 * libc does not have, with our errors. Every fd is O_CLOEXEC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct mount_new {
	const char *fstype;
	const char *source;		/* what mountinfo shows, or the block device; may be NULL */
	const char *const *data; /* "key=value" or "flag", NULL-terminated; may be NULL */
	const char *more;		/* one more of them, or NULL */
	uint64_t attrs;			/* MOUNT_ATTR_* */
	unsigned long super_flags;	/* MS_SYNCHRONOUS, ... and MS_RDONLY, of the super block */
};

/* A new file system instance, mounted nowhere yet. The kernel's own message about a refused option
 * ends up in *e. */
int mount_fd_create(const struct mount_new *n, struct err *e);
int mount_fd_new(const char *fstype, const char *source, const char *const *data, uint64_t attrs,
		 struct err *e);

/* The same over the working directory, ".", or over a name in it that the caller knows to be no
 * link, by mount(2): one call for all, but errno alone when it fails, and MOUNT_ATTR_RDONLY is the
 * super block's too. */
int mount_fd_over(const struct mount_new *n, const char *name);
/* By mount(2) as well: what is at `from`, a name in the working directory too, over `name`. */
int mount_fd_bind_over(const char *from, const char *name, bool recursive);

enum mount_clone {
	MOUNT_CLONE_TREE = 1,		/* with its submounts */
	MOUNT_CLONE_FOLLOW = 2,		/* a link at the end of the path is followed */
};

/* A detached copy of the mount at path below dir_fd ("" = dir_fd itself). */
int mount_fd_copy(int dir_fd, const char *path, unsigned how, struct err *e);
int mount_fd_clone(int dir_fd, const char *path, struct err *e);	/* as it is, alone */
int mount_fd_clone_tree(int dir_fd, const char *path, struct err *e);	/* MOUNT_CLONE_TREE */

struct mount_change {
	uint64_t set, clear;		/* MOUNT_ATTR_*; clear comes first */
	unsigned long propagation;	/* MS_SHARED, ... or 0 = as it is */
	int user_ns_fd;			/* with MOUNT_ATTR_IDMAP in set */
	bool recursive;			/* the submounts too, all or none */
};

/* path as above; e->number EPERM: a flag is locked by another user namespace. */
int mount_fd_change(int dir_fd, const char *path, const struct mount_change *c, struct err *e);
int mount_fd_set(int mount_fd, uint64_t set, uint64_t clear, int recursive, struct err *e);
int mount_fd_private(int mount_fd, struct err *e); /* propagation off, recursive */

/* Attaches a detached mount on what target_fd stands for, or on a name in it that is no link. */
int mount_fd_attach(int mount_fd, int target_fd, struct err *e);
int mount_fd_attach_at(int mount_fd, int dir_fd, const char *name, struct err *e);

/* Is the folder the root of a mount? */
bool mount_fd_is_root(int dir_fd);
