#include "init/disk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/bounded.h"
#include "init/data.h"
#include "init/listing.h"
#include "init/mounts.h"
#include "init/seed.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

#define FROM_MEMORY "this machine runs from memory and keeps nothing after power off"
#define EXT4_RESIZE _IOW('f', 16, uint64_t)	/* fs/ext4/ext4.h */

enum { CHUNK = 64 * 1024 };

struct disks {
	struct data_disk list[DATA_DISKS_MAX];
	int count;
	struct data_disk *shared;	/* with the child that looks at one */
};

/* What is done with one of them. */
struct use {
	struct data_plan plan;
	struct data_disk *disk;
	struct data_super seed;
	uint64_t seed_bytes;
};

/* 1 = zero, 0 = not, -1 = cannot be read. */
static int range_is_zero(int fd, uint64_t at, uint64_t size)
{
	uint8_t chunk[CHUNK];

	while (size > 0) {
		size_t part = size < CHUNK ? size : CHUNK;

		if (pread(fd, chunk, part, (off_t)at) != (ssize_t)part)
			return -1;
		if (!data_is_zero(chunk, part))
			return 0;
		at += part;
		size -= part;
	}
	return 1;
}

static int disk_is_zero(int fd, uint64_t size)
{
	uint64_t edge = size < DATA_EDGE_BYTES ? size : DATA_EDGE_BYTES, at;
	int zero = range_is_zero(fd, 0, edge);

	if (zero == 1)
		zero = range_is_zero(fd, size - edge, edge);
	for (unsigned n = 0; zero == 1 && data_sample_at(size, n, &at); n++)
		zero = range_is_zero(fd, at, DATA_SAMPLE_BYTES);
	return zero;
}

static enum data_content look_inside(struct data_disk *disk)
{
	char path[DATA_NAME_MAX + 8];
	uint8_t head[DATA_HEAD_BYTES];
	enum data_content content;
	AUTO_FD int fd = -1;
	int zero;

	snprintf(path, sizeof(path), "/dev/%s", disk->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head))
		return DATA_CONTENT_UNREADABLE;
	content = data_classify(head, &disk->super);
	if (content != DATA_CONTENT_FOREIGN || !data_is_zero(head, sizeof(head)))
		return content;
	zero = disk_is_zero(fd, disk->size_bytes);
	return zero == 1   ? DATA_CONTENT_BLANK
	       : zero == 0 ? DATA_CONTENT_FOREIGN
			   : DATA_CONTENT_UNREADABLE;
}

static bool look(void *ctx)
{
	struct data_disk *disk = ctx;

	disk->content = look_inside(disk);
	return true;
}

/* In a child, whose answer comes back in the shared page. */
static void look_bounded(struct disks *disks, struct data_disk *disk)
{
	*disks->shared = *disk;
	if (bounded_run(look, disks->shared, DISK_LOOK_MS) == BOUNDED_DONE) {
		*disk = *disks->shared;
		return;
	}
	disk->content = DATA_CONTENT_UNREADABLE;
	log_warn("disk /dev/%s does not answer within %d s: it is left alone; check that disk",
		 disk->name, DISK_LOOK_MS / 1000);
}

static bool note_found(void *ctx, const char *name)
{
	(void)name;
	*(bool *)ctx = true;
	return false;
}

static uint64_t read_number(const char *name, const char *file)
{
	char path[128], text[24];
	uint64_t number = 0;

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", name, file);
	return listing_read(path, text, sizeof(text)) && str_to_u64(text, &number) ? number : 0;
}

static bool add_disk(void *ctx, const char *name)
{
	static const char *const not_disks[] = { "dm-", "loop", "ram", "zram", "nbd",
						 "fd",	"sr",	"md",  NULL };
	struct disks *disks = ctx;
	struct data_disk disk = { .size_bytes = read_number(name, "size") * 512 };
	char holders[128];
	bool held = false;
	int at = disks->count;

	for (int i = 0; not_disks[i]; i++)
		if (str_starts(name, not_disks[i]))
			return true;
	snprintf(holders, sizeof(holders), "/sys/class/block/%s/holders", name);
	listing_each(holders, note_found, &held);	/* the disk under dm-verity has one */
	if (held || disk.size_bytes < DATA_HEAD_BYTES ||
	    !str_copy(disk.name, sizeof(disk.name), name))
		return true;
	disk.read_only = read_number(name, "ro") != 0;
	look_bounded(disks, &disk);
	if (disk.content == DATA_CONTENT_SYSTEM)
		return true;
	while (at > 0 && data_name_before(disk.name, disks->list[at - 1].name)) {
		disks->list[at] = disks->list[at - 1];
		at--;
	}
	disks->list[at] = disk;
	return ++disks->count < DATA_DISKS_MAX;
}

static bool needs_tending(const struct use *u)
{
	return u->disk->size_bytes / u->disk->super.block_bytes > u->disk->super.blocks ||
	       u->disk->super.has_errors ||
	       memcmp(u->disk->super.uuid, u->seed.uuid, DATA_UUID_BYTES) == 0;
}

static bool tend(void *ctx)
{
	const struct use *u = ctx;
	const struct data_disk *disk = u->disk;
	uint64_t blocks = disk->size_bytes / disk->super.block_bytes;
	AUTO_FD int fd = open(DISK_DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return true;
	if (memcmp(disk->super.uuid, u->seed.uuid, DATA_UUID_BYTES) == 0)
		seed_renew_uuid(fd);
	if (blocks > disk->super.blocks && ioctl(fd, EXT4_RESIZE, &blocks))
		log_warn("data disk /dev/%s cannot grow to its %" PRIu64
			 " MiB: %m; it keeps its size",
			 disk->name, disk->size_bytes >> 20);
	if (disk->super.has_errors)
		log_warn("data disk /dev/%s was found damaged in an earlier run: copy what matters "
			 "elsewhere, then check it with e2fsck from the host",
			 disk->name);
	return true;
}

/* All reading and writing is done before move_mount(2): who is killed because the disk hangs never
 * gets there, so no disk turns up at /data later, over what runs from memory by then. */
static bool mount_ext4(const char *device)
{
	AUTO_FD int fs_fd = (int)syscall(SYS_fsopen, "ext4", FSOPEN_CLOEXEC);
	AUTO_FD int mount_fd = -1;

	if (fs_fd < 0 ||
	    syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, "source", device, 0) ||
	    syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, "errors", "remount-ro", 0) ||
	    syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return false;
	mount_fd = (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC,
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
	return mount_fd >= 0 && syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, DISK_DATA_DIR,
					MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

static bool set_up_and_mount(void *ctx)
{
	struct use *u = ctx;
	char device[DATA_NAME_MAX + 8];

	snprintf(device, sizeof(device), "/dev/%s", u->disk->name);
	if (u->plan.action == DATA_SEED && !seed_write(device, u->seed_bytes)) {
		log_err("data disk %s cannot be set up (%m): " FROM_MEMORY "; replace that disk",
			device);
		return false;
	}
	if (mount_ext4(device))
		return true;
	log_err("data disk %s cannot be mounted (%m) and stays untouched: " FROM_MEMORY
		"; repair it with e2fsck from the host, or start once with cuvette.data=erase",
		device);
	return false;
}

/* True when /data is the disk. */
static bool use_disk(struct use *u)
{
	unsigned bound_ms = u->plan.action == DATA_SEED ? DISK_SEED_MS : DISK_MOUNT_MS;

	switch (bounded_run(set_up_and_mount, u, bound_ms)) {
	case BOUNDED_DONE:
		break;
	case BOUNDED_FAILED:
		return false;
	case BOUNDED_LATE:
		log_err("data disk /dev/%s does not answer within %u s: " FROM_MEMORY
			"; check that disk", u->disk->name, bound_ms / 1000);
		return false;
	}
	if (u->plan.action == DATA_SEED)
		u->disk->super = u->seed;
	if (needs_tending(u) && bounded_run(tend, u, DISK_TEND_MS) == BOUNDED_LATE)
		log_warn("data disk /dev/%s still grows after %d s: it goes on while it is used",
			 u->disk->name, DISK_TEND_MS / 1000);
	return true;
}

static void look_at_all(struct disks *disks)
{
	disks->shared = mmap(NULL, sizeof(*disks->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (disks->shared == MAP_FAILED) {
		log_err("no memory to look at disks with: %m");
		return;
	}
	listing_each("/sys/class/block", add_disk, disks);
	munmap(disks->shared, sizeof(*disks->shared));
}

static void say_used(const struct use *u, const char *text)
{
	if (u->plan.reason == DATA_REASON_FOUND || u->plan.reason == DATA_REASON_NEW)
		log_info("%s, %" PRIu64 " MiB", text, u->disk->size_bytes >> 20);
	else
		log_warn("%s", text);
}

void disk_mount_data(enum cmdline_data asked)
{
	struct disks disks = { .count = 0 };
	struct use use = { .seed_bytes = 0 };
	char text[400];

	use.seed_bytes = seed_look(&use.seed);
	if (asked != CMDLINE_DATA_RAM)
		look_at_all(&disks);
	use.plan = data_decide(asked, disks.list, disks.count, use.seed_bytes);
	data_explain(&use.plan, disks.list, text, sizeof(text));
	if (use.plan.action == DATA_USE_RAM) {
		log_warn("%s", text);
	} else {
		use.disk = &disks.list[use.plan.disk];
		if (use_disk(&use)) {
			say_used(&use, text);
			return;
		}
	}
	mounts_one("data", DISK_DATA_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=50%");
}
