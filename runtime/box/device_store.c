/* device_store.c - see device_store.h */
#include "box/device_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/device_filter.h"
#include "lib/fd.h"

enum {
	INSNS_MAX = 128, /* on the stack; Docker's rules make 27 */
	KEPT_MAX = 64,	 /* x some 8 KiB of the kernel's; a machine has a handful of rules */
	NAME_BYTES = 24,
};

static int call(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* FNV-1a: two programs of one name are told apart by their instructions. */
static void name_program(const struct device_filter *f, char name[NAME_BYTES])
{
	const unsigned char *bytes = (const unsigned char *)f->items;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < f->count * sizeof(*f->items); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	snprintf(name, NAME_BYTES, "%016llx", (unsigned long long)hash);
}

/* In a bpffs that lets everybody in, another user can make a folder or a link of that name. */
static int open_folder(int flags)
{
	AUTO_FD int fd = openat(AT_FDCWD, "/sys/fs/bpf/box-devices",
				flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != 0 || st.st_mode & 077)
		return -1;
	return take_fd(&fd);
}

static int open_pin(int dir_fd, const char *name)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)name;
	attr.path_fd = dir_fd;
	attr.file_flags = BPF_F_PATH_FD;
	return call(BPF_OBJ_GET, &attr);
}

static bool is_program(int fd, const struct device_filter *f)
{
	const size_t size_bytes = f->count * sizeof(*f->items);
	struct bpf_insn items[INSNS_MAX];
	struct bpf_prog_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	info.xlated_prog_insns = (uintptr_t)items;
	info.xlated_prog_len = sizeof(items);
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	/* Programs of this kind are run as they were written: the kernel translates no access. */
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
	       info.type == BPF_PROG_TYPE_CGROUP_DEVICE && info.xlated_prog_insns &&
	       info.xlated_prog_len == size_bytes && memcmp(items, f->items, size_bytes) == 0;
}

int device_store_open(const struct device_filter *f)
{
	AUTO_FD int dir_fd = -1, fd = -1;
	char name[NAME_BYTES];

	if (f->count > INSNS_MAX)
		return -1;
	dir_fd = open_folder(O_PATH);
	if (dir_fd < 0)
		return -1;
	name_program(f, name);
	fd = open_pin(dir_fd, name);
	return fd >= 0 && is_program(fd, f) ? take_fd(&fd) : -1;
}

/* A folder that is full is emptied: what is in use comes back with its next container. */
static void make_room(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t count = 0;

	if (!dir)
		return;
	while (readdir(dir))
		count++;
	rewinddir(dir);
	for (struct dirent *entry; count >= KEPT_MAX && (entry = readdir(dir));)
		unlinkat(dir_fd, entry->d_name, 0);
	closedir(dir);
}

void device_store_keep(const struct device_filter *f, int program_fd)
{
	AUTO_FD int dir_fd = -1;
	union bpf_attr attr;
	char name[NAME_BYTES];
	struct statfs fs;

	if (f->count > INSNS_MAX ||
	    (mkdirat(AT_FDCWD, "/sys/fs/bpf/box-devices", 0700) < 0 && errno != EEXIST))
		return;
	dir_fd = open_folder(O_RDONLY);
	if (dir_fd < 0 || fstatfs(dir_fd, &fs) < 0 || fs.f_type != BPF_FS_MAGIC)
		return;
	make_room(dir_fd);
	name_program(f, name);
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)name;
	attr.bpf_fd = (uint32_t)program_fd;
	attr.path_fd = dir_fd;
	attr.file_flags = BPF_F_PATH_FD;
	call(BPF_OBJ_PIN, &attr);
}
