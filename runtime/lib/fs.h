/* fs.h - files by directory fd. Paths under a root that someone else can change are resolved by
 * openat2(2) inside that root, never by name. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: `..` and absolute links stay inside root_fd.
 * O_CLOEXEC is added. */
int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode, struct err *e);

/* Every missing directory of the path below root_fd, resolved as above; returns an O_PATH fd of
 * the last. */
int fs_make_dirs_in_root(int root_fd, const char *path, mode_t mode, struct err *e);

/* Trusted trees only (our own state): one name in dir_fd. */
int fs_open_dir_at(int dir_fd, const char *name, struct err *e);
/* An existing one is fine. */
int fs_make_dir_at(int dir_fd, const char *name, mode_t mode, struct err *e);

/* Survives a power cut once it returns: temporary, fsync, rename, fsync of the folder. */
int fs_write_atomic_at(int dir_fd, const char *name, const void *data, size_t size_bytes,
		       mode_t mode, struct err *e);

/* Whole file, caller frees; see fd_read_all. A missing file: NULL with e->number ENOENT. */
char *fs_read_at(int dir_fd, const char *name, size_t max_bytes, size_t *size_bytes, struct err *e);

/* One write(2) to a control file of procfs, sysfs or cgroupfs: taken whole or not at all. */
int fs_write_control_at(int dir_fd, const char *name, const char *text, struct err *e);

/* Removes name and, when it is a directory, everything below it at any depth, without following
 * links or mounts. A missing name is fine. Whoever could still write there must be gone. */
int fs_remove_tree_at(int dir_fd, const char *name, struct err *e);
