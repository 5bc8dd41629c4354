/* cgroup.c - see cgroup.h */
#include "box/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/cgroup_values.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"

enum { CONTROL_BYTES_MAX = 4096 };

static void enable_controllers(int dir_fd)
{
	size_t size_bytes;
	AUTO_FREE char *text =
		fs_read_at(dir_fd, "cgroup.controllers", CONTROL_BYTES_MAX, &size_bytes, NULL);
	char *save = NULL;

	for (char *word = text ? strtok_r(text, " \n", &save) : NULL; word;
	     word = strtok_r(NULL, " \n", &save)) {
		char request[64];
		struct err e;

		snprintf(request, sizeof(request), "+%s", word);
		if (fs_write_control_at(dir_fd, "cgroup.subtree_control", request, &e))
			log_warn("cgroup box: %s", e.text);
	}
}

int cgroup_open_parent(struct err *e)
{
	AUTO_FD int root_fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (root_fd < 0)
		return err_sys(e, "open /sys/fs/cgroup");
	if (fstatfs(root_fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		err_set(e, "/sys/fs/cgroup is not cgroup v2");
		e->number = ENOENT;
		return -1;
	}
	if (fs_make_dir_at(root_fd, "box", 0755, e))
		return -1;
	AUTO_FD int box_fd = fs_open_dir_at(root_fd, "box", e);

	if (box_fd < 0)
		return -1;
	enable_controllers(box_fd);
	return take_fd(&box_fd);
}

int cgroup_open(int parent_fd, const char *name, struct err *e)
{
	return fs_open_dir_at(parent_fd, name, e);
}

int cgroup_create(int parent_fd, const char *name, const struct cgroup_values *values,
		  struct err *e)
{
	if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cgroup %s: make", name);
	AUTO_FD int fd = cgroup_open(parent_fd, name, e);

	if (fd < 0)
		return err_add(e, "cgroup %s", name);
	for (size_t i = 0; i < values->count; i++) {
		const struct cgroup_value *v = &values->items[i];

		if (fs_write_control_at(fd, v->file, cgroup_value_text(v), e) == 0)
			continue;
		/* No swap in the kernel: there is nothing to forbid. */
		if (e->number == ENOENT && strcmp(v->file, "memory.swap.max") == 0)
			continue;
		err_add(e, "cgroup %s: %s", name, v->file);
		unlinkat(parent_fd, name, AT_REMOVEDIR);
		return -1;
	}
	return take_fd(&fd);
}

int cgroup_kill(int parent_fd, const char *name, struct err *e)
{
	AUTO_FD int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cgroup %s: open", name);
	return fs_write_control_at(fd, "cgroup.kill", "1", e);
}

int cgroup_remove(int parent_fd, const char *name, struct err *e)
{
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "cgroup %s: remove", name);
	return 0;
}

int cgroup_open_events(int cgroup_fd)
{
	return openat(cgroup_fd, "memory.events", O_RDONLY | O_CLOEXEC);
}

uint64_t cgroup_oom_kills(int events_fd)
{
	char text[512];
	uint64_t count = 0;
	ssize_t size = events_fd < 0 ? -1 : pread(events_fd, text, sizeof(text) - 1, 0);

	if (size <= 0)
		return 0;
	text[size] = '\0';
	char *line = strstr(text, "\noom_kill ");

	if (!line)
		return 0;
	line += strlen("\noom_kill ");
	line[strcspn(line, "\n")] = '\0';
	return str_to_u64(line, &count) ? count : 0;
}

uint64_t cgroup_memory_max(int cgroup_fd)
{
	size_t size_bytes;
	AUTO_FREE char *text =
		fs_read_at(cgroup_fd, "memory.max", CONTROL_BYTES_MAX, &size_bytes, NULL);
	uint64_t bytes = 0;

	if (!text)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u64(text, &bytes) ? bytes : 0;
}
