#include "init/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"

enum { CHUNK = 64 * 1024, SECTOR = 512 };

/* fs/ext4/ext4.h: not in the kernel's exported headers before 6.x of every libc. */
struct ext4_uuid {
	uint32_t size_bytes, flags;
	uint8_t uuid[DATA_UUID_BYTES];
};
#define EXT4_SET_UUID \
	_IOW('f', 44, uint64_t) /* declared with a flexible array: the size in the number is 8 */

uint64_t seed_look(struct data_super *super)
{
	AUTO_FD int fd = open(SEED_FILE, O_RDONLY | O_CLOEXEC);
	uint8_t head[DATA_HEAD_BYTES];
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > DATA_HEAD_BYTES &&
	    pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	    data_classify(head, super) == DATA_CONTENT_OURS)
		return (uint64_t)st.st_size;
	log_err("%s is missing or damaged: a blank disk cannot be set up; build the system again",
		SEED_FILE);
	return 0;
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
		if (!data_is_zero(chunk, part)) {
			if (!write_zeros(disk_fd, zeros_from, at) ||
			    pwrite(disk_fd, chunk, part, (off_t)at) != (ssize_t)part)
				return false;
			zeros_from = at + part;
		}
		at += part;
	}
	return write_zeros(disk_fd, zeros_from, to) && fsync(disk_fd) == 0;
}

/* ext4 leaves its first 1024 bytes to others: the mark stands there, beside the superblock. */
static bool write_mark(int disk_fd, const char *mark)
{
	uint8_t sector[SECTOR] = { 0 };

	memcpy(sector, mark, strlen(mark));
	return pwrite(disk_fd, sector, sizeof(sector), 0) == sizeof(sector) && fsync(disk_fd) == 0;
}

bool seed_write(const char *device, uint64_t seed_bytes)
{
	AUTO_FD int seed_fd = open(SEED_FILE, O_RDONLY | O_CLOEXEC);
	/* O_EXCL: nobody has it mounted. */
	AUTO_FD int fd = open(device, O_RDWR | O_CLOEXEC | O_EXCL);

	if (seed_bytes == 0) {
		errno = EINVAL;
		return false;
	}
	return seed_fd >= 0 && fd >= 0 && write_mark(fd, DATA_BEGUN) &&
	       write_range(seed_fd, fd, DATA_HEAD_BYTES, seed_bytes) &&
	       write_range(seed_fd, fd, SECTOR, DATA_HEAD_BYTES) && write_mark(fd, "");
}

void seed_renew_uuid(int data_fd)
{
	struct ext4_uuid set = { .size_bytes = DATA_UUID_BYTES };

	if (getrandom(set.uuid, sizeof(set.uuid), GRND_NONBLOCK) != (ssize_t)sizeof(set.uuid))
		return;
	set.uuid[6] = (set.uuid[6] & 0x0f) | 0x40;	/* RFC 9562: version 4, variant 10 */
	set.uuid[8] = (set.uuid[8] & 0x3f) | 0x80;
	if (ioctl(data_fd, EXT4_SET_UUID, &set))
		log_warn("data disk: a new UUID cannot be set: %m");
}
