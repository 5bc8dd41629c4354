/* mount_hide.h - what a container must not see or change of the kernel's files: masked and
 * read-only paths. A path that does not exist is hidden already. */
#pragma once

#include <stdbool.h>

#include "lib/fd_pile.h"

struct err;

struct mount_hide {
	int root_fd;
	int proc_fd;		/* the procfs at /proc, once it was needed; -1 = not yet or none */
	int null_fd;		/* the model of all masks of files */
	const char *file;	/* where it is, when that is a name in proc_fd */
	const char *empty;	/* the model of all masks of folders: a name in proc_fd */
	bool no_proc;		/* what is at /proc is none */
	int *cwd_fd;		/* the working directory, when it is an fd that stays open; or -1 */
	struct fd_pile *spent;
};

void mount_hide_init(struct mount_hide *h, int root_fd, int *cwd_fd, struct fd_pile *spent);

/* A folder gets one empty read-only tmpfs, a file the machine's null device. */
int mount_hide_mask(struct mount_hide *h, const char *path, struct err *e);
/* With everything below it. */
int mount_hide_read_only(struct mount_hide *h, const char *path, struct err *e);
