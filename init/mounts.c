#include "init/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/listing.h"
#include "lib/array.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

#define CGROUP "/sys/fs/cgroup"

enum { SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC };

struct mount_step {
	const char *source, *target, *type;
	unsigned long flags;
	const char *options;
};

static const struct mount_step steps[] = {
	{ "proc", "/proc", "proc", SAFE, NULL },
	{ "sysfs", "/sys", "sysfs", SAFE, NULL },
	/* The kernel has it already (DEVTMPFS_MOUNT), without flags and bound: a remount then. */
	{ "dev", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m,nr_inodes=4096" },
	{ "devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666,gid=5" },
	{ "shm", "/dev/shm", "tmpfs", SAFE, "mode=1777,size=16m,nr_inodes=4096" },
	{ "run", "/run", "tmpfs", SAFE, "mode=755,size=64m,nr_inodes=65536" },
	{ "tmp", "/tmp", "tmpfs", SAFE, "mode=1777,size=64m,nr_inodes=16384" },
	{ "cgroup", CGROUP, "cgroup2", SAFE, "nsdelegate,memory_recursiveprot" },
};

bool mounts_one(const char *source, const char *target, const char *type, unsigned long flags,
		const char *options)
{
	if (mount(source, target, type, flags, options) == 0)
		return true;
	if (errno == ENOENT && mkdir(target, 0755) == 0 &&
	    mount(source, target, type, flags, options) == 0)
		return true;
	if (errno == EBUSY && mount(source, target, type, flags | MS_REMOUNT, options) == 0)
		return true;
	log_err("mount %s on %s: %m", type, target);
	return false;
}

static void write_control(const char *path, const char *text)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		log_warn("write %s to %s: %m", text, path);
}

/* What the kernel leaves open for old programs (Documentation/admin-guide/sysctl/fs.rst): links,
 * FIFOs and files that somebody else put into a sticky folder like /tmp, in containers too. And
 * inotify instances for more than one container: all of theirs count as root's, and 128 is what one
 * of them may want. And TCP finds out by itself where a path loses large packets without a word,
 * which stopped a connection for good (ip-sysctl.rst). */
static void set_sysctls(void)
{
	static const struct {
		const char *path, *value;
	} settings[] = {
		{ "/proc/sys/fs/inotify/max_user_instances", "8192" },
		{ "/proc/sys/fs/protected_fifos", "1" },
		{ "/proc/sys/fs/protected_hardlinks", "1" },
		{ "/proc/sys/fs/protected_regular", "2" },
		{ "/proc/sys/fs/protected_symlinks", "1" },
		{ "/proc/sys/net/ipv4/tcp_mtu_probing", "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		write_control(settings[i].path, settings[i].value);
}

/* One write per controller: the kernel takes a list whole or not at all, and one that is missing
 * shall not cost the others. */
static void delegate_controllers(void)
{
	char list[256], *next = list;

	if (!listing_read(CGROUP "/cgroup.controllers", list, sizeof(list)))
		return;
	while (*next) {
		char word[40];
		size_t size = strcspn(next, " ");

		if (snprintf(word, sizeof(word), "+%.*s", (int)size, next) < (int)sizeof(word))
			write_control(CGROUP "/cgroup.subtree_control", word);
		next += size + (next[size] == ' ');
	}
}

void mounts_place(const char *path, unsigned mode, unsigned uid, unsigned gid)
{
	AUTO_FD int fd = -1;

	if (mkdir(path, 0700) && errno != EEXIST)
		log_warn("make directory %s: %m", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, uid, gid) || fchmod(fd, mode))
		log_warn("directory %s cannot get its owner and mode: %m", path);
}

void mounts_file(const char *path, unsigned mode, unsigned uid, unsigned gid, const char *text)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return;
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchown(fd, uid, gid) || fchmod(fd, mode))
		log_warn("file %s cannot be made: %m", path);
}

void mounts_make(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		mounts_one(steps[i].source, steps[i].target, steps[i].type, steps[i].flags,
			   steps[i].options);
	delegate_controllers();
	set_sysctls();
	mounts_place("/run/box", 0700, 0, 0);
	mounts_place("/run/cuvette", 0755, 0, 0);
	/* Written in place by each lease, never replaced: containers have this very file mounted.
	 */
	mounts_place("/run/net", 0755, 0, 0);
	mounts_file("/run/net/resolv.conf", 0644, MOUNTS_DHCP_ID, MOUNTS_DHCP_ID,
		    "# No lease yet: it brings the name servers.\n");
	mounts_place("/run/share", 0755, 0, 0);
	mounts_place("/run/svd", 0755, 0, 0);
}

/* The field that begins at text, up to the next blank; returns what follows that blank, or NULL. */
static const char *take_field(const char *text, char *field, unsigned field_bytes)
{
	unsigned used = 0;

	while (*text && *text != ' ') {
		unsigned char c = (unsigned char)*text++;

		if (c == '\\' && strspn(text, "01234567") >= 3) {
			c = (unsigned char)((text[0] - '0') << 6 | (text[1] - '0') << 3 |
					    (text[2] - '0'));
			text += 3;
		}
		if (used + 1 >= field_bytes)
			return NULL;
		field[used++] = (char)c;
	}
	field[used] = '\0';
	return *text == ' ' ? text + 1 : NULL;
}

bool mounts_parse_line(const char *line, char *point, unsigned point_bytes, char *type,
		       unsigned type_bytes)
{
	const char *dash;

	for (int i = 0; i < 4; i++) {		/* id, parent, device, root */
		line = strchr(line, ' ');
		if (!line)
			return false;
		line++;
	}
	line = take_field(line, point, point_bytes);
	dash = line ? strstr(line, " - ") : NULL;
	return dash && take_field(dash + 3, type, type_bytes);
}

/* Nothing is lost with these, and the last steps of a shutdown still need some of them. */
static bool keeps_data(const char *point, const char *type)
{
	static const char *const none[] = { "proc",    "sysfs",	 "devtmpfs", "devpts", "tmpfs",
					    "cgroup2", "mqueue", "rootfs",   "ramfs",  NULL };

	for (int i = 0; none[i]; i++)
		if (str_equal(type, none[i]))
			return false;
	return !str_equal(point, "/");
}

/* One pass over the table, last line first. Returns how many were unmounted; *left counts those
 * that were not. */
static int undo_pass(char *table, size_t size, bool last_pass, int *left)
{
	int done = 0;

	*left = 0;
	while (size > 0) {
		char point[4096], type[64];
		char *line;

		table[--size] = '\0';		/* the newline */
		while (size > 0 && table[size - 1] != '\n')
			size--;
		line = table + size;
		if (!mounts_parse_line(line, point, sizeof(point), type, sizeof(type)) ||
		    !keeps_data(point, type))
			continue;
		if (umount2(point, UMOUNT_NOFOLLOW) == 0) {
			done++;
		} else if (last_pass) {
			log_warn("unmount %s: %m", point);
			*left += mount(NULL, point, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0;
		} else {
			++*left;
		}
	}
	return done;
}

int mounts_undo(void)
{
	char table[256 * 1024];		/* some 2,000 mounts; a longer table takes more passes */
	bool last_pass = false;
	int left = 0;

	for (int pass = 0; pass < 32; pass++) {
		AUTO_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
		ssize_t size = fd < 0 ? -1 : fd_read_full(fd, table, sizeof(table), NULL);
		int done;

		if (size <= 0)
			return 0;
		done = undo_pass(table, (size_t)size, last_pass, &left);
		if (last_pass || (!done && !left))
			return left;
		last_pass = !done;
	}
	return left;
}
