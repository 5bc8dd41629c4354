/* cgroup.c - see cgroup.h: finding, making, opening and changing one cgroup. */
#include "box/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/cgroup_path.h"
#include "box/cgroup_values.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"

enum {
	CONTROL_BYTES_MAX = 4096,
	/* Without these there is no use to be told (podman stats, events): worth turning on even
	 * when there is no limit. */
	CONTROLLERS_BASIC = 1u << CGROUP_CPU | 1u << CGROUP_MEMORY | 1u << CGROUP_PIDS,
};

static const char *below(const char *path)
{
	return path + strspn(path, "/");
}

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_open_mount(struct err *e)
{
	AUTO_FD int fd = openat(AT_FDCWD, "/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /sys/fs/cgroup");
	if (is_cgroup2(fd))
		return take_fd(&fd);
	AUTO_FD int unified_fd = openat(fd, "unified", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (unified_fd >= 0 && is_cgroup2(unified_fd))
		return take_fd(&unified_fd);
	err_set(e, "this machine has no cgroup v2 at /sys/fs/cgroup: boot it with "
		   "systemd.unified_cgroup_hierarchy=1, or mount it there");
	if (e)
		e->number = ENOENT;
	return -1;
}

/* A list of a control file as bits; 0 when it cannot be read. */
static unsigned read_controllers(int dir_fd, const char *file, char text[CONTROL_BYTES_MAX])
{
	AUTO_FD int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, CONTROL_BYTES_MAX - 1);

	text[size < 0 ? 0 : size] = '\0';
	return cgroup_controllers_parse(text);
}

/* Everything that a level has and does not give on yet. Controllers refuse singly (cpu with
 * realtime processes, all of memory's kind below a threaded cgroup): what can be turned on, is,
 * except in a level with processes of its own: cpu and pids alone would make it a threaded one, in
 * which no container can live. Returns the last refusal's errno. */
static int give_controllers(int level_fd)
{
	char have[CONTROL_BYTES_MAX], given[CONTROL_BYTES_MAX], all[CONTROL_BYTES_MAX * 2] = "";
	unsigned given_bits = read_controllers(level_fd, "cgroup.subtree_control", given);
	size_t size = 0;
	char *save = NULL;
	struct err e;
	int refusal = 0;

	read_controllers(level_fd, "cgroup.controllers", have);
	for (char *word = strtok_r(have, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (!(cgroup_controllers_parse(word) & given_bits & ~(1u << CGROUP_OTHER)))
			size += (size_t)snprintf(all + size, sizeof(all) - size, "+%s ", word);
	if (!size || fs_write_control_at(level_fd, "cgroup.subtree_control", all, &e) == 0)
		return 0;
	if (e.number == EBUSY)
		return EBUSY;
	for (char *word = strtok_r(all, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (fs_write_control_at(level_fd, "cgroup.subtree_control", word, &e))
			refusal = e.number;
	return refusal;
}

/* The level that gave a controller on to none, and why. */
struct refusal {
	int number;
	char path[CGROUP_PATH_MAX];
};

/* Every directory of the path but the last: made where it is missing, and told to give on what it
 * has. */
static int prepare_levels(int dir_fd, const char *path, struct refusal *refusal, struct err *e)
{
	AUTO_FD int level_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = path;

	if (level_fd < 0)
		return err_sys(e, "open the cgroup2 mount");
	for (;;) {
		size_t length = strcspn(name, "/");
		int number = give_controllers(level_fd), child_fd;
		char child[CGROUP_PATH_MAX];

		if (number) {
			refusal->number = number;
			snprintf(refusal->path, sizeof(refusal->path), "/%.*s",
				 name > path ? (int)(name - 1 - path) : 0, path);
		}
		if (!name[length])
			return 0;
		snprintf(child, sizeof(child), "%.*s", (int)length, name);
		if (mkdirat(level_fd, child, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make /%.*s", (int)(name + length - path), path);
		child_fd = openat(level_fd, child, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child_fd < 0)
			return err_sys(e, "open /%.*s", (int)(name + length - path), path);
		fd_close(&level_fd);
		level_fd = child_fd;
		name += length + 1;
	}
}

static void name_controllers(unsigned bits, char *text, size_t text_bytes)
{
	size_t size = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < CGROUP_OTHER; i++)
		if (bits & 1u << i)
			size += (size_t)snprintf(text + size, text_bytes - size, "%s%s",
						 size ? " " : "", cgroup_controller_name(i));
}

static int refuse_controllers(int cgroup_fd, unsigned missing, const struct refusal *refusal,
			      struct err *e)
{
	char names[128], have[CONTROL_BYTES_MAX];

	name_controllers(missing, names, sizeof(names));
	read_controllers(cgroup_fd, "cgroup.controllers", have);
	have[strcspn(have, "\n")] = '\0';
	if (refusal->number == EBUSY)
		return err_set(e,
			       "limits need the controllers %s, which %s cannot give on while it "
			       "has processes of its own (cgroup v2: no internal processes): move "
			       "them into a cgroup below it, or choose another cgroupsPath",
			       names, refusal->path);
	if (refusal->number) {
		errno = refusal->number;
		return err_sys(e, "limits need the controllers %s, which %s does not give on",
			       names, refusal->path);
	}
	return err_set(e,
		       "limits need the controllers %s, which the kernel does not have here (there "
		       "are: %s); leave these limits out or choose another cgroupsPath",
		       names, have[0] ? have : "none");
}

/* Below a cgroup with single threads no whole process can live (cgroup-v2.rst, "Threads"). */
static int check_type(int cgroup_fd, struct err *e)
{
	size_t size_bytes;
	AUTO_FREE char *type =
		fs_read_at(cgroup_fd, "cgroup.type", CONTROL_BYTES_MAX, &size_bytes, NULL);

	if (!type || str_starts(type, "domain\n") || str_starts(type, "domain threaded\n"))
		return 0;
	type[strcspn(type, "\n")] = '\0';
	return err_set(e,
		       "it is \"%s\": a cgroup above it holds single threads, and no container can "
		       "live below; choose another cgroupsPath",
		       type);
}

static int need_controllers(int dir_fd, const char *path, int cgroup_fd, unsigned needed,
			    struct err *e)
{
	char text[CONTROL_BYTES_MAX];
	struct refusal refusal = { 0 };
	unsigned wanted = needed | CONTROLLERS_BASIC, missing;

	missing = wanted & ~read_controllers(cgroup_fd, "cgroup.controllers", text);
	if (!missing)
		return 0;
	if (prepare_levels(dir_fd, path, &refusal, e) || check_type(cgroup_fd, e))
		return -1;
	missing = needed & ~read_controllers(cgroup_fd, "cgroup.controllers", text) &
		  ~(1u << CGROUP_OTHER);
	return missing ? refuse_controllers(cgroup_fd, missing, &refusal, e) : 0;
}

/* One that is there already may be kept for the container, not shared with another. */
static int check_unused(int cgroup_fd, struct err *e)
{
	struct cgroup_state state;

	if (cgroup_state_read(cgroup_fd, &state, e))
		return -1;
	if (state.populated)
		return err_set(e, "it is there already and has processes in it: end them, or "
				  "choose another cgroupsPath");
	if (state.frozen)
		return err_set(e,
			       "it is there already and frozen: write 0 to its cgroup.freeze, or "
			       "choose another cgroupsPath");
	return 0;
}

static int make_directory(int dir_fd, const char *path, bool *made, struct err *e)
{
	struct refusal unused;

	*made = true;
	if (mkdirat(dir_fd, path, 0755) == 0)
		return 0;
	if (errno == ENOENT) {
		if (prepare_levels(dir_fd, path, &unused, e))
			return -1;
		if (mkdirat(dir_fd, path, 0755) == 0)
			return 0;
	}
	*made = false;
	return errno == EEXIST ? 0 : err_sys(e, "make it");
}

int cgroup_create(int dir_fd, const char *path, const struct cgroup_values *values, bool *is_new,
		  struct err *e)
{
	const char *name = below(path);
	AUTO_FD int fd = -1;
	bool made;

	*is_new = false;
	if (make_directory(dir_fd, name, &made, e) == 0)
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		return err_add(e, "cgroup %s", path);
	if (fd < 0)
		return err_sys(e, "cgroup %s: open", path);
	if ((!made && check_unused(fd, e)) ||
	    need_controllers(dir_fd, name, fd, values->controllers, e) ||
	    cgroup_apply(fd, values, e)) {
		err_add(e, "cgroup %s", path);
		if (made)
			unlinkat(dir_fd, name, AT_REMOVEDIR);
		return -1;
	}
	*is_new = made;
	return take_fd(&fd);
}

int cgroup_open(int dir_fd, const char *path, struct err *e)
{
	int fd = openat(dir_fd, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "cgroup %s: open", path) : fd;
}

int cgroup_open_process(int mount_fd, pid_t pid, struct err *e)
{
	AUTO_FD int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[32], path[CGROUP_PATH_MAX];
	size_t size_bytes;

	snprintf(name, sizeof(name), "%d/cgroup", (int)pid);
	AUTO_FREE char *text = fs_read_at(proc_fd, name, CONTROL_BYTES_MAX * 4, &size_bytes, e);

	if (!text)
		return -1;
	if (!cgroup_path_of_process(path, text))
		return err_set(e, "process %d is in no cgroup that can be reached from here",
			       (int)pid);
	return cgroup_open(mount_fd, path[1] ? path : "/.", e);
}

int cgroup_open_parent(struct err *e)
{
	AUTO_FD int root_fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int refusal;

	if (root_fd < 0)
		return err_sys(e, "open /sys/fs/cgroup");
	if (!is_cgroup2(root_fd)) {
		err_set(e, "/sys/fs/cgroup is not cgroup v2");
		e->number = ENOENT;
		return -1;
	}
	if (fs_make_dir_at(root_fd, "box", 0755, e))
		return -1;
	AUTO_FD int box_fd = fs_open_dir_at(root_fd, "box", e);

	if (box_fd < 0)
		return -1;
	refusal = give_controllers(box_fd);
	if (refusal)
		log_warn("cgroup box: some controllers are not given on: %s", strerror(refusal));
	return take_fd(&box_fd);
}

/* Each line is one write: the kernel takes one device at a time. */
static int write_lines(int cgroup_fd, const char *file, const char *text, struct err *e)
{
	AUTO_FD int fd = openat(cgroup_fd, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open %s", file);
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length && write(fd, text, length) < 0)
			return err_sys(e, "write \"%.*s\" to %s", (int)length, text, file);
		text += length + (text[length] != '\0');
	}
	return 0;
}

static int refuse_file(const struct cgroup_value *v, struct err *e)
{
	if (v->other_file)
		return err_set(e, "the kernel has neither %s nor %s: leave these limits out",
			       v->file, v->other_file);
	return err_set(e, "the kernel has no %s here: leave this limit out", v->file);
}

static int write_value(int cgroup_fd, const struct cgroup_value *v, struct err *e)
{
	int failed = write_lines(cgroup_fd, v->file, v->text, e);

	if (failed && e->number == ENOENT && v->other_file)
		failed = write_lines(cgroup_fd, v->other_file, v->other_text, e);
	if (!failed || e->number != ENOENT)
		return failed;
	return v->optional ? 0 : refuse_file(v, e);
}

static int check_use(int cgroup_fd, const struct cgroup_values *values, struct err *e)
{
	size_t size_bytes;
	AUTO_FREE char *text = NULL;
	uint64_t bytes = 0;

	if (!values->check_memory_bytes && !values->check_memory_swap_bytes)
		return 0;
	text = fs_read_at(cgroup_fd, "memory.current", CONTROL_BYTES_MAX, &size_bytes, e);
	if (!text)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	str_to_u64(text, &bytes);
	if ((values->check_memory_bytes && values->check_memory_bytes <= bytes) ||
	    (values->check_memory_swap_bytes && values->check_memory_swap_bytes <= bytes))
		return err_set(e,
			       "%llu bytes of memory are in use, the new limit would be below: "
			       "choose a larger one, or none of checkBeforeUpdate",
			       (unsigned long long)bytes);
	return 0;
}

int cgroup_apply(int cgroup_fd, const struct cgroup_values *values, struct err *e)
{
	struct err why = { 0 };
	bool again = false;

	if (check_use(cgroup_fd, values, e))
		return -1;
	for (size_t i = 0; i < values->count; i++) {
		const struct cgroup_value *v = &values->items[i];

		if (write_value(cgroup_fd, v, &why) == 0)
			continue;
		if (!v->again || why.number != EINVAL)
			goto failed;
		again = true;
	}
	for (size_t i = 0; again && i < values->count; i++)
		if (values->items[i].again && write_value(cgroup_fd, &values->items[i], &why))
			goto failed;
	return 0;
failed:
	if (e)
		*e = why;
	return -1;
}

/* A name of the kernel's list: a file of the cgroup itself, never a way out of it. */
static bool is_control_file(const char *name)
{
	return *name && !strstr(name, "..") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._") == strlen(name);
}

int cgroup_give(int cgroup_fd, uid_t uid, struct err *e)
{
	char fallback[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n", *save = NULL;
	AUTO_FD int list_fd = open("/sys/kernel/cgroup/delegate", O_RDONLY | O_CLOEXEC);
	char text[CONTROL_BYTES_MAX], *list = fallback;
	ssize_t size = list_fd < 0 ? -1 : read(list_fd, text, sizeof(text) - 1);

	if (size > 0) {
		text[size] = '\0';
		list = text;
	}
	if (fchown(cgroup_fd, uid, (gid_t)-1) < 0)
		return err_sys(e, "give the cgroup to user %u", (unsigned)uid);
	for (char *name = strtok_r(list, "\n", &save); name; name = strtok_r(NULL, "\n", &save))
		if (is_control_file(name) &&
		    fchownat(cgroup_fd, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return err_sys(e, "give %s to user %u", name, (unsigned)uid);
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
