/* mount_options.h - the words of a mount's `options` (runtime-spec 1.3, config.md "Linux mount
 * options") as flags: pure, no system calls.
 *
 * Later words win over earlier ones. What is no word of ours is a word of the file system
 * ("size=1m") and kept in its order; whether there is a file system that could take it, the caller
 * knows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;

enum { MOUNT_PROPAGATIONS_MAX = 4 };	/* "slave" and then "shared" means both */

enum mount_idmap { MOUNT_IDMAP_NONE, MOUNT_IDMAP_ONE, MOUNT_IDMAP_RECURSIVE };

struct mount_options {
	uint64_t set, clear; /* MOUNT_ATTR_* of the mount, as mount_setattr(2) takes them */
	uint64_t recursive_set, recursive_clear;	/* and of every mount below it */
	unsigned long super_flags;	/* MS_SYNCHRONOUS, ... of a new file system */
	unsigned long
		propagations[MOUNT_PROPAGATIONS_MAX]; /* MS_SHARED, ... with MS_REC, in order */
	size_t propagation_count;
	bool bind, recursive_bind;
	bool tmpcopyup;			/* a tmpfs begins with what the image has there */
	bool copy_symlink;		/* a source that is a link is made again, not mounted */
	bool source_nofollow, target_nofollow;
	enum mount_idmap idmap;
	const char *idmap_text;		/* "uids=0-1-10;gids=..." of `idmap=`, or NULL */
	const char **data;		/* NULL-terminated, NULL when empty */
	size_t data_count;
};

/* words: NULL-terminated, may be NULL. mount: its index, for messages: ".mounts[2].options". */
int mount_options_parse(struct mount_options *o, struct arena *a, const char *const *words,
			size_t mount, struct err *e);

/* All but the data, as words: " ro,nosuid,-noexec,rslave" (- is cleared); nothing when there are
 * none. */
void mount_options_print(const struct mount_options *o, struct buf *out);

/* Every word that parse knows, in the order of strcmp; NULL beyond the last. For `features`. */
const char *mount_options_word(size_t index);
