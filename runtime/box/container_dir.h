/* container_dir.h - ROOT/ID: what the command line knows of one container between its calls.
 *
 *   config.json   copy of the bundle's, as it was at create
 *   state.json    what never changes: written before anything is made that must be cleared away
 *   cgroup        where systemd has put it, once that is known: systemd's driver alone
 *   process       the first process, written before that may go on alone, and whether it
 *                 stands at its gate
 *   gate          the socket at which it waits for `start` (stage.h)
 *
 * Every file is written by one write(2), and `process` changed by another of one byte, so whatever
 * a crash leaves is found by `delete --force`. The folder's own lock (flock(2)) is for those who
 * make it and remove it; all others take none. Nothing here says how a container is doing: that is
 * container_status.h. Id grammar: runc's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct err;

enum { CONTAINER_ID_MAX = 255 }; /* it is a file name */

struct container_dir {
	const char *id;		/* borrowed */
	int root_fd;		/* ROOT, borrowed */
	int fd;			/* ROOT/ID; with it the lock goes */
	int process_fd;		/* the file while it is written, or 0 */
};

struct container_facts {	/* state.json */
	const char *bundle;	/* absolute */
	const char *rootfs;	/* absolute */
	const char *created;	/* RFC 3339 */
	const char *owner;	/* name or number of the user who made it */
	const char *cgroup;	/* below the cgroup2 mount, absolute; NULL = it has none */
	const char *scope;	/* systemd's unit that it lies in; NULL = made by hand */
	bool scope_user;	/* that of the user's own systemd */
	bool own_pids; /* the first process's end is everyone's: a pid namespace of its own */
};

struct container_process {
	pid_t pid;
	uint64_t inode;		/* of its pidfd: names one process for good; or 0, and then */
	uint64_t start;		/* proc_stat.start does so with the pid */
	bool at_gate;		/* create has done its part */
};

enum container_lock { CONTAINER_LOCK_NONE, CONTAINER_LOCK_TRY, CONTAINER_LOCK_WAIT };

/* ROOT, made with its parents when it is missing. NULL: /run/box-oci, $XDG_RUNTIME_DIR/box-oci for
 * an ordinary user. */
int container_root_open(const char *root, struct err *e);
const char *container_root_default(struct arena *a, struct err *e);

bool container_id_is_valid(const char *id);	/* [A-Za-z0-9_+.-]+, neither "." nor ".." */

/* A new one, locked, with its config.json. Whoever puts that there first has the id; everyone else:
 * -1 with EEXIST. */
int container_dir_create(struct container_dir *d, int root_fd, const char *id, const char *config,
			 size_t config_bytes, struct err *e);
/* -1 with ENOENT: there is none; with EWOULDBLOCK: another call has the lock, for WAIT since 10 s.
 */
int container_dir_open(struct container_dir *d, int root_fd, const char *id,
		       enum container_lock lock, struct err *e);
/* Also where a child has inherited it. */
void container_dir_unlock(struct container_dir *d);
void container_dir_close(struct container_dir *d);	/* zeroed or closed before is fine */
/* All of it; what lives must be gone before. */
int container_dir_remove(struct container_dir *d, struct err *e);

/* NUL-terminated beyond *size_bytes, in the arena. */
const char *container_dir_config(const struct container_dir *d, struct arena *a, size_t *size_bytes,
				 struct err *e);

int container_dir_save_facts(const struct container_dir *d, const struct container_facts *f,
			     struct err *e);
/* 1 = loaded, 0 = there are none: create was cut off before it made anything. */
int container_dir_facts(const struct container_dir *d, struct arena *a, struct container_facts *f,
			struct err *e);

/* Of a container in a scope: before there is a process. */
int container_dir_save_cgroup(const struct container_dir *d, const char *cgroup, struct err *e);

/* The file, empty: before there is a process. */
int container_dir_begin_process(struct container_dir *d, struct err *e);
/* pid_here: in the caller's own pid namespace. */
int container_dir_save_process(const struct container_dir *d, pid_t pid, pid_t pid_here,
			       struct err *e);
int container_dir_save_at_gate(struct container_dir *d, struct err *e);
/* 1 = loaded, 0 = there is none. */
int container_dir_process(const struct container_dir *d, struct container_process *p,
			  struct err *e);

/* Does the first process still stand at its gate? Asks the kernel, without waking it. */
bool container_dir_gate_waits(const struct container_dir *d);
