#include "init/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/data.h"
#include "init/listing.h"
#include "init/mounts.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

#define FROM_MEMORY "this machine runs from memory and keeps nothing after power off"

enum { CHUNK = 64 * 1024, EDGE = 1024 * 1024 };

/* fs/ext4/ext4.h: not in the kernel's exported headers before 6.x of every libc. */
struct ext4_uuid {
	uint32_t size_bytes, flags;
	uint8_t uuid[DATA_UUID_BYTES];
};
#define EXT4_RESIZE _IOW('f', 16, uint64_t)
#define EXT4_SET_UUID \
	_IOW('f', 44, uint64_t) /* declared with a flexible array: the size in the number is 8 */

struct disks {
	struct data_disk list[DATA_DISKS_MAX];
	int count;
};

/* By words: the first boot looks at every byte of the seed, and musl's memcmp goes byte by byte. */
static bool is_zero(const uint8_t *data, size_t size)
{
	uint64_t words[4];

	for (; size >= sizeof(words); data += sizeof(words), size -= sizeof(words)) {
		memcpy(words, data, sizeof(words));
		if (words[0] | words[1] | words[2] | words[3])
			return false;
	}
	while (size-- > 0)
		if (*data++)
			return false;
	return true;
}

/* 1 = zero, 0 = not, -1 = cannot be read. */
static int range_is_zero(int fd, uint64_t at, uint64_t size)
{
	uint8_t chunk[CHUNK];

	while (size > 0) {
		size_t part = size < CHUNK ? size : CHUNK;

		if (pread(fd, chunk, part, (off_t)at) != (ssize_t)part)
			return -1;
		if (!is_zero(chunk, part))
			return 0;
		at += part;
		size -= part;
	}
	return 1;
}

static enum data_content look_inside(struct data_disk *disk)
{
	char path[DATA_NAME_MAX + 8];
	uint8_t head[DATA_HEAD_BYTES];
	uint64_t edge = disk->size_bytes < EDGE ? disk->size_bytes : EDGE;
	enum data_content content;
	AUTO_FD int fd = -1;
	int start, end;

	snprintf(path, sizeof(path), "/dev/%s", disk->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head))
		return DATA_CONTENT_UNREADABLE;
	content = data_classify(head, &disk->super);
	if (content != DATA_CONTENT_FOREIGN || !is_zero(head, sizeof(head)))
		return content;
	start = range_is_zero(fd, 0, edge);
	end = start == 1 ? range_is_zero(fd, disk->size_bytes - edge, edge) : start;
	return end == 1	  ? DATA_CONTENT_BLANK
	       : end == 0 ? DATA_CONTENT_FOREIGN
			  : DATA_CONTENT_UNREADABLE;
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
	disk.content = look_inside(&disk);
	if (disk.content == DATA_CONTENT_SYSTEM)
		return true;
	while (at > 0 && data_name_before(disk.name, disks->list[at - 1].name)) {
		disks->list[at] = disks->list[at - 1];
		at--;
	}
	disks->list[at] = disk;
	return ++disks->count < DATA_DISKS_MAX;
}

/* Zeros are written too: what lies below may be an old file system's. BLKZEROOUT lets the device do
 * it without the bytes. */
static bool write_zeros(int disk_fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[CHUNK];

	if (from == to || ioctl(disk_fd, BLKZEROOUT, (uint64_t[]){ from, to - from }) == 0)
		return true;
	for (; from < to; from += CHUNK) {
		size_t part = to - from < CHUNK ? to - from : CHUNK;

		if (pwrite(disk_fd, zeros, part, (off_t)from) != (ssize_t)part)
			return false;
	}
	return true;
}

static bool write_range(int seed_fd, int disk_fd, uint64_t from, uint64_t to)
{
	uint64_t at = from, zeros_from = from;
	uint8_t chunk[CHUNK];

	while (at < to) {
		size_t part = to - at < CHUNK ? to - at : CHUNK;

		if (pread(seed_fd, chunk, part, (off_t)at) != (ssize_t)part)
			return false;
		if (!is_zero(chunk, part)) {
			if (!write_zeros(disk_fd, zeros_from, at) ||
			    pwrite(disk_fd, chunk, part, (off_t)at) != (ssize_t)part)
				return false;
			zeros_from = at + part;
		}
		at += part;
	}
	return write_zeros(disk_fd, zeros_from, to) && fsync(disk_fd) == 0;
}

static bool write_seed(const char *device, int seed_fd, uint64_t seed_bytes)
{
	uint64_t edge = seed_bytes < EDGE ? seed_bytes : EDGE;
	AUTO_FD int fd =
		open(device, O_RDWR | O_CLOEXEC | O_EXCL); /* O_EXCL: nobody has it mounted */

	if (edge == 0) {
		errno = EINVAL;
		return false;
	}
	/* The first MiB goes first when it is wiped and last when it is written: see disk.h. */
	return fd >= 0 && ioctl(fd, BLKZEROOUT, (uint64_t[]){ 0, edge }) == 0 && fsync(fd) == 0 &&
	       write_range(seed_fd, fd, edge, seed_bytes) && write_range(seed_fd, fd, 0, edge);
}

/* Twins would be made by copying one seed twice. No entropy yet: the next boot tries again. */
static void renew_uuid(int data_fd)
{
	struct ext4_uuid set = { .size_bytes = DATA_UUID_BYTES };

	if (getrandom(set.uuid, sizeof(set.uuid), GRND_NONBLOCK) != (ssize_t)sizeof(set.uuid))
		return;
	set.uuid[6] = (set.uuid[6] & 0x0f) | 0x40;	/* RFC 9562: version 4, variant 10 */
	set.uuid[8] = (set.uuid[8] & 0x3f) | 0x80;
	if (ioctl(data_fd, EXT4_SET_UUID, &set))
		log_warn("data disk: a new UUID cannot be set: %m");
}

static void tend(const struct data_disk *disk, const struct data_super *seed)
{
	uint64_t blocks = disk->size_bytes / disk->super.block_bytes;
	AUTO_FD int fd = open(DISK_DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (seed->block_bytes && memcmp(disk->super.uuid, seed->uuid, DATA_UUID_BYTES) == 0)
		renew_uuid(fd);
	if (blocks > disk->super.blocks && ioctl(fd, EXT4_RESIZE, &blocks))
		log_warn("data disk /dev/%s cannot grow to its %" PRIu64
			 " MiB: %m; it keeps its size",
			 disk->name, disk->size_bytes >> 20);
	if (disk->super.has_errors)
		log_warn("data disk /dev/%s was found damaged in an earlier run: copy what matters "
			 "elsewhere, then check it with e2fsck from the host", disk->name);
}

/* True when /data is the disk. */
static bool use_disk(const struct data_plan *plan, struct data_disk *disk, int seed_fd,
		     uint64_t seed_bytes, const struct data_super *seed)
{
	char device[DATA_NAME_MAX + 8];

	snprintf(device, sizeof(device), "/dev/%s", disk->name);
	if (plan->action == DATA_SEED && !write_seed(device, seed_fd, seed_bytes)) {
		log_err("data disk %s cannot be set up (%m): " FROM_MEMORY "; replace that disk",
			device);
		return false;
	}
	if (plan->action == DATA_SEED)
		disk->super = *seed;
	if (mount(device, DISK_DATA_DIR, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME,
		  "errors=remount-ro")) {
		log_err("data disk %s cannot be mounted (%m) and stays untouched: " FROM_MEMORY
			"; repair it with e2fsck from the host, or start once with "
			"cuvette.data=erase", device);
		return false;
	}
	tend(disk, seed);
	return true;
}

void disk_mount_data(enum cmdline_data asked)
{
	struct disks disks = { .count = 0 };
	uint8_t head[DATA_HEAD_BYTES] = { 0 };
	struct data_super seed = { 0 };
	struct stat seed_file = { 0 };
	struct data_plan plan;
	char text[400];
	AUTO_FD int seed_fd = open(DISK_SEED, O_RDONLY | O_CLOEXEC);

	if (seed_fd >= 0 && pread(seed_fd, head, sizeof(head), 0) == sizeof(head))
		fstat(seed_fd, &seed_file);
	if (data_classify(head, &seed) != DATA_CONTENT_OURS) {
		log_err("%s is missing or damaged: a blank disk cannot be set up; build the system "
			"again",
			DISK_SEED);
		seed_file.st_size = 0;
	}
	if (asked != CMDLINE_DATA_RAM)
		listing_each("/sys/class/block", add_disk, &disks);
	plan = data_decide(asked, disks.list, disks.count, (uint64_t)seed_file.st_size);
	data_explain(&plan, disks.list, text, sizeof(text));
	if (plan.action != DATA_USE_RAM &&
	    use_disk(&plan, &disks.list[plan.disk], seed_fd, (uint64_t)seed_file.st_size, &seed)) {
		if (plan.reason == DATA_REASON_FOUND || plan.reason == DATA_REASON_NEW)
			log_info("%s, %" PRIu64 " MiB", text,
				 disks.list[plan.disk].size_bytes >> 20);
		else
			log_warn("%s", text);
		return;
	}
	if (plan.action == DATA_USE_RAM)
		log_warn("%s", text);
	mounts_one("data", DISK_DATA_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=50%");
}
