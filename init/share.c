#include "init/share.h"

#include <stdio.h>
#include <sys/mount.h>

#include "init/listing.h"
#include "init/mounts.h"
#include "lib/str.h"

/* A folder that host and guest both change. cache=mmap is the one mode in which both may do so and
 * every mmap works: a file is looked up afresh and read afresh when it is opened, attributes always
 * come from the host, dirty pages go out when the file is closed (close-to-open, as with NFS).
 * cache=none refuses shared writable mappings (numpy.memmap "r+", SQLite's WAL); cache=loose never
 * sees what the host changed. msize: the largest that Linux 6.12 allows over virtio (128 pages less
 * 3, net/9p/trans_virtio.c). */
#define OPTIONS_9P "trans=virtio,version=9p2000.L,msize=512000,cache=mmap"

struct search {
	const char *directory;
	const char *file;
	bool found;
};

static bool look(void *ctx, const char *name)
{
	struct search *search = ctx;
	char path[256], tag[64];

	snprintf(path, sizeof(path), "%s/%s/%s", search->directory, name, search->file);
	search->found = listing_read(path, tag, sizeof(tag)) && str_equal(tag, SHARE_TAG);
	return !search->found;
}

enum share_kind share_find(void)
{
	struct search virtiofs = { "/sys/fs/virtiofs", "tag", false };
	struct search plan9 = { "/sys/bus/virtio/drivers/9pnet_virtio", "mount_tag", false };

	listing_each(virtiofs.directory, look, &virtiofs);
	if (virtiofs.found)
		return SHARE_VIRTIOFS;
	listing_each(plan9.directory, look, &plan9);
	return plan9.found ? SHARE_9P : SHARE_NONE;
}

bool share_mount(enum share_kind kind)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOATIME;

	if (kind == SHARE_VIRTIOFS)
		return mounts_one(SHARE_TAG, SHARE_DIR, "virtiofs", flags, NULL);
	return mounts_one(SHARE_TAG, SHARE_DIR, "9p", flags, OPTIONS_9P);
}
