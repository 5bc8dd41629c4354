/* seccomp_store.c - see seccomp_store.h */
#include "box/seccomp_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/seccomp.h"
#include "box/seccomp_default.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_seccomp.h"

#define SHIPPED_DIR "/usr/lib/cuvette/seccomp"
#define OWN_DIR	    ".seccomp"

enum {
	DEFAULT_BYTES_MAX = 1 << 20, /* of the default profile as a value */
	KEPT_MAX = 64,		     /* x some 10 KiB; a machine has a handful of profiles */
};

static void add_number(struct hash *h, uint64_t value)
{
	hash_add(h, &value, sizeof(value));
}

/* With its NUL, so that two strings never hash like one. */
static void add_str(struct hash *h, const char *text)
{
	hash_add(h, text, strlen(text) + 1);
}

static void add_rule(struct hash *h, const struct oci_seccomp_rule *rule)
{
	size_t names = 0;

	for (; rule->names[names]; names++)
		add_str(h, rule->names[names]);
	add_number(h, names);
	add_number(h, rule->action);
	add_number(h, rule->errno_ret);
	add_number(h, rule->arg_count);
	for (size_t i = 0; i < rule->arg_count; i++) {
		add_number(h, rule->args[i].index);
		add_number(h, rule->args[i].op);
		add_number(h, rule->args[i].value);
		add_number(h, rule->args[i].value_two);
	}
}

/* What the program depends on, and nothing else: flags and listener belong to the loading. */
static void name_profile(const struct oci_seccomp *profile, char hex[HASH_HEX_BYTES])
{
	unsigned char digest[HASH_BYTES];
	struct hash h;

	hash_init(&h);
	add_str(&h, seccomp_generation());
	add_number(&h, profile->default_action);
	add_number(&h, profile->default_errno);
	for (size_t i = 0; i < profile->rule_count; i++)
		add_rule(&h, &profile->rules[i]);
	hash_finish(&h, digest);
	hash_hex(digest, hex);
}

static int open_program(int dir_fd, const char *path)
{
	AUTO_FD int fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    st.st_mode & (S_IWGRP | S_IWOTH) || st.st_size <= 0 ||
	    st.st_size % (off_t)sizeof(struct sock_filter) != 0)
		return -1;
	return take_fd(&fd);
}

static int write_program(int dir_fd, const char *hex, int program_fd, struct err *e)
{
	size_t size_bytes;

	if (lseek(program_fd, 0, SEEK_SET) < 0)
		return err_sys(e, "rewind");
	AUTO_FREE char *program =
		fd_read_all(program_fd, BPF_MAXINSNS * sizeof(struct sock_filter), &size_bytes, e);

	return program ? fs_write_atomic_at(dir_fd, hex, program, size_bytes, 0444, e) : -1;
}

static bool is_before(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
						      : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* How many files there are, and the name of the oldest. */
static int count_kept(DIR *dir, char oldest[NAME_MAX + 1])
{
	struct stat first = { 0 }, st;
	int count = 0;

	rewinddir(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISDIR(st.st_mode))
			continue;
		if (count++ && !is_before(&st, &first))
			continue;
		first = st;
		str_copy(oldest, NAME_MAX + 1, entry->d_name);
	}
	return count;
}

/* Each config.json may bring a profile of its own, for ever. Whoever has one open keeps it. */
static void drop_oldest(int own_fd)
{
	char oldest[NAME_MAX + 1];
	int fd = openat(own_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	while (count_kept(dir, oldest) > KEPT_MAX && unlinkat(own_fd, oldest, 0) == 0)
		;
	closedir(dir);
}

static int keep_program(int dir_fd, const char *hex, int program_fd, struct err *e)
{
	AUTO_FD int own_fd = -1;

	if (fs_make_dir_at(dir_fd, OWN_DIR, 0700, e))
		return -1;
	own_fd = fs_open_dir_at(dir_fd, OWN_DIR, e);
	if (own_fd < 0 || write_program(own_fd, hex, program_fd, e))
		return -1;
	drop_oldest(own_fd);
	return 0;
}

int seccomp_store_write(int dir_fd, const struct oci_seccomp *profile, struct err *e)
{
	AUTO_FD int fd = seccomp_compile(profile, e);
	char hex[HASH_HEX_BYTES];

	name_profile(profile, hex);
	return fd < 0 ? -1 : write_program(dir_fd, hex, fd, e);
}

int seccomp_store_open(int dir_fd, const struct oci_seccomp *profile, struct err *e)
{
	char shipped[sizeof(SHIPPED_DIR) + HASH_HEX_BYTES] = SHIPPED_DIR "/";
	char own[sizeof(OWN_DIR) + HASH_HEX_BYTES] = OWN_DIR "/";
	char *hex = own + sizeof(OWN_DIR);
	struct err why;
	int fd;

	name_profile(profile, hex);
	memcpy(shipped + sizeof(SHIPPED_DIR), hex, HASH_HEX_BYTES);
	fd = open_program(AT_FDCWD, shipped);
	if (fd < 0 && dir_fd >= 0)
		fd = open_program(dir_fd, own);
	if (fd >= 0)
		return fd;
	fd = seccomp_compile(profile, e);
	if (fd >= 0 && dir_fd >= 0 && keep_program(dir_fd, hex, fd, &why))
		log_warn("seccomp: the compiled profile could not be kept: %s", why.text);
	return fd;
}

int seccomp_store_open_for(int dir_fd, const struct oci_spec *spec, int *fd, struct err *e)
{
	struct arena *a;

	*fd = -1;
	if (spec->seccomp)
		*fd = seccomp_store_open(dir_fd, spec->seccomp, e);
	if (spec->seccomp || !spec->seccomp_default)
		return spec->seccomp && *fd < 0 ? -1 : 0;
	a = arena_create(DEFAULT_BYTES_MAX);
	*fd = seccomp_store_open(dir_fd,
				 seccomp_default_profile(a, spec->process.caps.bounding &
								    seccomp_default_caps()),
				 e);
	arena_destroy(a);
	return *fd < 0 ? -1 : 0;
}
