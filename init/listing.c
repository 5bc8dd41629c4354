#include "init/listing.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/str.h"

struct entry {			/* struct linux_dirent64 of getdents64(2) */
	uint64_t inode;
	int64_t offset;
	uint16_t size_bytes;
	uint8_t type;
	char name[];
};

void listing_each(const char *path, bool (*on_name)(void *ctx, const char *name), void *ctx)
{
	_Alignas(struct entry) char block[4096];
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long size;

	if (fd < 0)
		return;
	while ((size = syscall(SYS_getdents64, fd, block, sizeof(block))) > 0) {
		for (long at = 0; at < size;) {
			struct entry *entry = (struct entry *)(block + at);

			at += entry->size_bytes;
			if (!str_equal(entry->name, ".") && !str_equal(entry->name, "..") &&
			    !on_name(ctx, entry->name))
				return;
		}
	}
}

bool listing_read(const char *path, char *text, unsigned size_bytes)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, size_bytes - 1);

	if (size < 0)
		return false;
	while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\0'))
		size--;
	text[size] = '\0';
	return true;
}
