/* cgroup_tree.c - see cgroup.h: what concerns a cgroup with everything below it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "lib/time.h"

enum {
	EVENTS_BYTES_MAX = 256,
	PROCS_BYTES_MAX = 64 << 20,	/* 4 million processes, the kernel's most */
	DEPTH_MAX = 64,			/* an open fd each */
	KILL_PASSES = 100,		/* before 5.14: each pass meets what was forked meanwhile */
	SIGNAL_FREEZE_MS = 500,
};

static const char *below(const char *path)
{
	return path + strspn(path, "/");
}

/* "populated 1\nfrozen 0\n" */
static int read_events(int events_fd, struct cgroup_state *state, struct err *e)
{
	char text[EVENTS_BYTES_MAX];
	ssize_t size = pread(events_fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		return err_sys(e, "read cgroup.events");
	text[size] = '\0';
	state->populated = strstr(text, "populated 1") != NULL;
	state->frozen = strstr(text, "frozen 1") != NULL;
	return 0;
}

static int open_events(int cgroup_fd, struct err *e)
{
	int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open cgroup.events") : fd;
}

int cgroup_state_read(int cgroup_fd, struct cgroup_state *state, struct err *e)
{
	AUTO_FD int fd = open_events(cgroup_fd, e);

	return fd < 0 ? -1 : read_events(fd, state, e);
}

/* One change of cgroup.events since it was read, or the deadline: false. */
static bool wait_events(int events_fd, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = events_fd, .events = POLLPRI };
	uint64_t now_ms = time_boot_ms();

	return now_ms < deadline_ms && poll(&p, 1, (int)(deadline_ms - now_ms)) != 0;
}

static int wait_frozen(int events_fd, bool frozen, uint64_t deadline_ms, struct err *e)
{
	struct cgroup_state state;

	for (;;) {
		if (read_events(events_fd, &state, e))
			return -1;
		if (state.frozen == frozen)
			return 0;
		if (!wait_events(events_fd, deadline_ms))
			return err_set(e,
				       frozen ? "not all of its processes stop: one waits inside "
						"the kernel (state D in ps) or is traced"
					      : "it stays frozen: a cgroup above it is frozen too");
	}
}

bool cgroup_wait_empty(int cgroup_fd, unsigned wait_ms)
{
	uint64_t deadline_ms = time_boot_ms() + wait_ms;
	AUTO_FD int events_fd = open_events(cgroup_fd, NULL);
	struct cgroup_state state = { 0 };

	while (events_fd >= 0 && read_events(events_fd, &state, NULL) == 0 && state.populated)
		if (!wait_events(events_fd, deadline_ms))
			return false;
	return true;	/* also one that is gone */
}

int cgroup_freeze(int cgroup_fd, bool frozen, unsigned wait_ms, struct err *e)
{
	AUTO_FD int events_fd = open_events(cgroup_fd, e);

	if (events_fd < 0 ||
	    fs_write_control_at(cgroup_fd, "cgroup.freeze", frozen ? "1" : "0", e))
		return -1;
	if (wait_frozen(events_fd, frozen, time_boot_ms() + wait_ms, e) == 0)
		return 0;
	if (frozen)
		fs_write_control_at(cgroup_fd, "cgroup.freeze", "0", NULL);
	return -1;
}

/* The numbers of one cgroup.procs, each on a line; 0 is a process that our pid namespace does not
 * know. */
static int add_pids(struct cgroup_pids *pids, int cgroup_fd, struct err *e)
{
	AUTO_FD int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	char *save = NULL;
	size_t size_bytes, lines = 0;
	struct err why;

	if (fd < 0)
		return err_sys(e, "open cgroup.procs");
	text = fd_read_all(fd, PROCS_BYTES_MAX, &size_bytes, &why);
	/* A threaded cgroup's processes stand in the domain above it. */
	if (!text && why.number == EOPNOTSUPP)
		return 0;
	if (!text)
		return err_set(e, "%s", why.text);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	if (!lines)
		return 0;
	pids->items = realloc(pids->items, (pids->count + lines) * sizeof(*pids->items));
	if (!pids->items)
		abort();
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (str_to_u32(line, &pid) && pid && pid <= INT32_MAX)
			pids->items[pids->count++] = (pid_t)pid;
	}
	return 0;
}

static bool is_child(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

static int add_tree(struct cgroup_pids *pids, int cgroup_fd, unsigned depth, struct err *e)
{
	int list_fd, failed;
	DIR *dir;

	if (depth > DEPTH_MAX)
		return err_set(e, "more than %d levels of cgroups below it", DEPTH_MAX);
	failed = add_pids(pids, cgroup_fd, e);
	list_fd = failed ? -1 : openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	if (!failed && !dir)
		failed = err_sys(e, "list it");
	for (struct dirent *entry; !failed && (entry = readdir(dir));) {
		if (!is_child(entry))
			continue;
		AUTO_FD int fd =
			openat(cgroup_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		/* Removed meanwhile: then it has no process. */
		if (fd >= 0)
			failed = add_tree(pids, fd, depth + 1, e);
	}
	if (dir)
		closedir(dir);
	else
		fd_close(&list_fd);
	return failed;
}

int cgroup_procs(int cgroup_fd, struct cgroup_pids *pids, struct err *e)
{
	*pids = (struct cgroup_pids){ 0 };
	if (add_tree(pids, cgroup_fd, 0, e) == 0)
		return 0;
	free(pids->items);
	*pids = (struct cgroup_pids){ 0 };
	return -1;
}

static int signal_each(int cgroup_fd, int signal, size_t *count, struct err *e)
{
	struct cgroup_pids pids;
	int failed = 0;

	if (cgroup_procs(cgroup_fd, &pids, e))
		return -1;
	*count = pids.count;
	for (size_t i = 0; i < pids.count; i++)
		if (kill(pids.items[i], signal) < 0 && errno != ESRCH)
			failed = err_sys(e, "signal %d to process %d", signal, (int)pids.items[i]);
	free(pids.items);
	return failed;
}

static int kill_all(int cgroup_fd, struct err *e)
{
	struct err why;
	size_t left = 1;

	if (fs_write_control_at(cgroup_fd, "cgroup.kill", "1", &why) == 0)
		return 0;
	if (why.number != ENOENT)
		return err_set(e, "%s", why.text);
	for (int pass = 0; pass < KILL_PASSES && left; pass++)
		if (signal_each(cgroup_fd, SIGKILL, &left, e))
			return -1;
	return 0;
}

int cgroup_kill(int dir_fd, const char *path, struct err *e)
{
	AUTO_FD int fd = openat(dir_fd, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cgroup %s: open", path);
	return kill_all(fd, e) ? err_add(e, "cgroup %s", path) : 0;
}

/* Standing still, nobody forks away from the signal and no number is used anew. */
int cgroup_signal(int cgroup_fd, int signal, struct err *e)
{
	struct cgroup_state before;
	bool stopped;
	size_t count;
	int failed;

	if (signal == SIGKILL)
		return kill_all(cgroup_fd, e);
	if (cgroup_state_read(cgroup_fd, &before, e))
		return -1;
	stopped = !before.frozen && cgroup_freeze(cgroup_fd, true, SIGNAL_FREEZE_MS, NULL) == 0;
	failed = signal_each(cgroup_fd, signal, &count, e);
	if (stopped && fs_write_control_at(cgroup_fd, "cgroup.freeze", "0", failed ? NULL : e))
		return -1;
	return failed;
}

static int open_events_at(int dir_fd, const char *name)
{
	AUTO_FD int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
}

/* The name of one child directory; false: there is none. */
static bool first_child(int cgroup_fd, char name[NAME_MAX + 1])
{
	int fd = openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool found = false;

	for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
		if (is_child(entry))
			found = str_copy(name, NAME_MAX + 1, entry->d_name);
	if (dir)
		closedir(dir);
	else
		fd_close(&fd);
	return found;
}

/* rmdir, again after each change until nobody lives in it. */
static int remove_empty(int dir_fd, const char *name, uint64_t deadline_ms, struct err *e)
{
	AUTO_FD int events_fd = -1;
	struct cgroup_state state = { .populated = true };

	for (;;) {
		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		/* Busy without processes: somebody made a cgroup below it meanwhile. */
		if (errno != EBUSY || !state.populated || time_boot_ms() >= deadline_ms)
			return err_sys(e, "remove");
		if (events_fd >= 0)
			wait_events(events_fd, deadline_ms);
		else
			events_fd = open_events_at(dir_fd, name);
		if (events_fd < 0 || read_events(events_fd, &state, e))
			return errno == ENOENT || errno == ENODEV ? 0 : err_sys(e, "remove");
	}
}

/* Depth is the container's to choose when the cgroup was given to it, so no level keeps an fd or
 * a place on the stack: down into the first child while there is one, then up by `..` (cgroups
 * never move) and the emptied child goes. */
static int remove_children(int cgroup_fd, uint64_t deadline_ms, struct err *e)
{
	AUTO_FD int at_fd = openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1], inner[NAME_MAX + 1];
	unsigned long depth = 0;

	while (at_fd >= 0) {
		AUTO_FD int next_fd = -1;

		if (!first_child(at_fd, name)) {
			if (depth-- == 0)
				return 0;
			next_fd = openat(at_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		} else {
			next_fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (next_fd >= 0 && !first_child(next_fd, inner)) {
				if (remove_empty(at_fd, name, deadline_ms, e))
					return -1;
				continue;
			}
			depth++;
		}
		fd_close(&at_fd);
		at_fd = take_fd(&next_fd);
	}
	return errno == ENOENT ? 0 : err_sys(e, "open a cgroup below it");
}

bool cgroup_remove_unused(int dir_fd, const char *path)
{
	return unlinkat(dir_fd, below(path), AT_REMOVEDIR) == 0;
}

int cgroup_remove(int dir_fd, const char *path, unsigned wait_ms, struct err *e)
{
	const char *name = below(path);
	uint64_t deadline_ms;
	struct err why;

	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return err_sys(e, "cgroup %s: remove", path);
	AUTO_FD int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cgroup %s: open", path);
	deadline_ms = time_boot_ms() + wait_ms;
	if (remove_children(fd, deadline_ms, &why) == 0 &&
	    remove_empty(dir_fd, name, deadline_ms, &why) == 0)
		return 0;
	err_add(&why, "cgroup %s", path);
	if (e)
		*e = why;
	return -1;
}
