/* data.h - which disk becomes /data. Pure: facts in, a plan out; disk.[ch] finds the facts and
 * carries the plan out.
 *
 * The rule that everything else serves: a disk with content that is not ours is never written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/cmdline.h"

enum {
	DATA_DISKS_MAX = 16,
	DATA_HEAD_BYTES = 4096, /* holds the superblocks of ext4 and of EROFS, both at 1024 */
	DATA_NAME_MAX = 32,
	DATA_UUID_BYTES = 16,
	DATA_EDGE_BYTES = 1024 * 1024,	/* read whole at both ends before a disk counts as blank */
	DATA_SAMPLE_BYTES = 4096,
};

/* At the start of a disk that we have begun to set up: until the last step takes it away, whatever
 * else is there is ours and unfinished. */
#define DATA_BEGUN "cuvette: this disk is being set up\n"

enum data_content {
	DATA_CONTENT_OURS,  /* ext4 with our label */
	DATA_CONTENT_BLANK, /* zeros wherever data_sample_at looks, or begun by us */
	DATA_CONTENT_FOREIGN,
	DATA_CONTENT_SYSTEM, /* EROFS: a system image; never a candidate, not even to be erased */
	DATA_CONTENT_UNREADABLE,
};

struct data_super {			/* of an ext4 file system with our label */
	uint64_t blocks;
	uint32_t block_bytes;
	bool has_errors;		/* the kernel found it damaged in an earlier run */
	uint8_t uuid[DATA_UUID_BYTES];
};

struct data_disk {
	char name[DATA_NAME_MAX];	/* as in /dev */
	uint64_t size_bytes;
	bool read_only;
	enum data_content content;
	struct data_super super;	/* when ours */
};

enum data_action { DATA_USE_RAM, DATA_MOUNT, DATA_SEED };

enum data_reason {
	DATA_REASON_FOUND,
	DATA_REASON_FIRST_OF_MANY,
	DATA_REASON_NEW,
	DATA_REASON_ERASED,
	DATA_REASON_RAM_ASKED,
	DATA_REASON_NONE,
	DATA_REASON_FOREIGN,
	DATA_REASON_READ_ONLY,
	DATA_REASON_TOO_SMALL,
	DATA_REASON_WHICH,		/* erase, but more than one disk could be meant */
	DATA_REASON_UNREADABLE,
	DATA_REASONS
};

struct data_plan {
	enum data_action action;
	enum data_reason reason;
	int disk;			/* index; -1 = the plan is about no disk */
};

/* What the first DATA_HEAD_BYTES of a disk show: OURS (and fills *super), BLANK when we had begun
 * to set it up, SYSTEM, or FOREIGN for everything else, zeros included. */
enum data_content data_classify(const uint8_t head[DATA_HEAD_BYTES], struct data_super *super);

/* Where the n-th sample of a disk lies between its edges; false after the last. A file system whose
 * first MiB was wiped (a lost partition table, a slip of dd) still shows: its copies of the
 * superblock and the starts of its groups are among the places, and the rest are spread evenly. */
bool data_sample_at(uint64_t size_bytes, unsigned n, uint64_t *at);

bool data_is_zero(const uint8_t *data, size_t size_bytes);

struct data_plan data_decide(enum cmdline_data asked, const struct data_disk *disks, int count,
			     uint64_t seed_bytes);

/* The sentence for the console, with the next step when there is one. */
void data_explain(const struct data_plan *plan, const struct data_disk *disks, char *text,
		  size_t text_bytes);

/* Orders `vdb` before `vdaa`: by length, then by letter, as the kernel counts. */
bool data_name_before(const char *a, const char *b);
