/* state.c - see state.h */
#include "box/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/proc.h"
#include "lib/str.h"

enum { STATE_BYTES_MAX = 2048 };

static int save(int dir_fd, const char *name, const char *text, struct err *e)
{
	return fs_write_atomic_at(dir_fd, name, text, strlen(text), 0600, e);
}

static char *load(int dir_fd, const char *name, struct err *e)
{
	size_t size_bytes;

	return fs_read_at(dir_fd, name, STATE_BYTES_MAX, &size_bytes, e);
}

/* The value of `key` in text; false when missing or no number. */
static bool number(const char *text, const char *key, uint64_t *value)
{
	size_t length = strlen(key);

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n'), line += line != NULL) {
		char digits[24];
		size_t size;

		if (strncmp(line, key, length) != 0 || line[length] != ' ')
			continue;
		size = strcspn(line + length + 1, "\n");
		if (size >= sizeof(digits))
			return false;
		memcpy(digits, line + length + 1, size);
		digits[size] = '\0';
		return str_to_u64(digits, value);
	}
	return false;
}

int state_save_run(int dir_fd, const struct box_run *run, struct err *e)
{
	char text[STATE_BYTES_MAX];

	snprintf(
		text, sizeof(text),
		"image %s\nid_base %u\npid %d\npid_start %llu\nmonitor_pid %d\nmonitor_start %llu\n"
		"oom_told %llu\n",
		run->image, run->id_base, (int)run->pid, (unsigned long long)run->pid_start,
		(int)run->monitor_pid, (unsigned long long)run->monitor_start,
		(unsigned long long)run->oom_told);
	return save(dir_fd, "run", text, e);
}

int state_load_run(int dir_fd, struct box_run *run, struct err *e)
{
	AUTO_FREE char *text = load(dir_fd, "run", e);
	uint64_t id_base, pid, monitor_pid;

	if (!text)
		return -1;
	if (sscanf(text, "image %64s", run->image) != 1 || !number(text, "id_base", &id_base) ||
	    !number(text, "pid", &pid) || !number(text, "pid_start", &run->pid_start) ||
	    !number(text, "monitor_pid", &monitor_pid) ||
	    !number(text, "monitor_start", &run->monitor_start) ||
	    !number(text, "oom_told", &run->oom_told))
		return err_set(e, "the file run is damaged");
	run->id_base = (uint32_t)id_base;
	run->pid = (pid_t)pid;
	run->monitor_pid = (pid_t)monitor_pid;
	return 0;
}

/* One "said LINE" for each of its lines. */
static void put_said(char *out, size_t out_bytes, const char *said)
{
	while (*said) {
		size_t size = strcspn(said, "\n");
		int n = snprintf(out, out_bytes, "said %.*s\n", (int)size, said);

		if (n < 0 || (size_t)n >= out_bytes)
			return;
		out += n;
		out_bytes -= (size_t)n;
		said += size + (said[size] == '\n');
	}
}

static void get_said(const char *text, char said[TAIL_BYTES])
{
	size_t at = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t size = strcspn(line, "\n");

		if (strncmp(line, "said ", 5) != 0 || at + size - 5 + 1 >= TAIL_BYTES)
			continue;
		if (at)
			said[at++] = '\n';
		memcpy(said + at, line + 5, size - 5);
		at += size - 5;
	}
	said[at] = '\0';
}

int state_reserve_exit(int dir_fd, struct err *e)
{
	static const char blank[STATE_BYTES_MAX];

	return fs_write_atomic_at(dir_fd, "room", blank, sizeof(blank), 0600, e);
}

/* Over what was kept; or, the second time, over the record that has its place. */
static int save_in_room(int dir_fd, const char *text, struct err *e)
{
	AUTO_FD int fd = openat(dir_fd, "room", O_WRONLY | O_CLOEXEC);
	const ssize_t size = (ssize_t)strlen(text);
	bool is_new = fd >= 0;

	if (!is_new)
		fd = openat(dir_fd, "exit", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, text, (size_t)size, 0) != size || ftruncate(fd, size) < 0 ||
	    (is_new && renameat(dir_fd, "room", dir_fd, "exit") < 0))
		return err_sys(e, "write exit where room was kept for it");
	return 0;
}

int state_save_exit(int dir_fd, const struct box_exit *exit, struct err *e)
{
	char text[STATE_BYTES_MAX];
	struct err why;

	snprintf(text, sizeof(text), "status %llu\noom_kills %llu\nlog_lost_bytes %llu\n",
		 (unsigned long long)exit->status, (unsigned long long)exit->oom_kills,
		 (unsigned long long)exit->log_lost_bytes);
	put_said(text + strlen(text), sizeof(text) - strlen(text), exit->said);
	if (save(dir_fd, "exit", text, &why) == 0) {
		unlinkat(dir_fd, "room", 0);
		return 0;
	}
	if (why.number == ENOSPC || why.number == EDQUOT)
		return save_in_room(dir_fd, text, e);
	return err_set(e, "%s", why.text);
}

int state_load_exit(int dir_fd, struct box_exit *exit, struct err *e)
{
	AUTO_FREE char *text = load(dir_fd, "exit", e);

	if (!text)
		return -1;
	if (!number(text, "status", &exit->status) ||
	    !number(text, "oom_kills", &exit->oom_kills) ||
	    !number(text, "log_lost_bytes", &exit->log_lost_bytes))
		return err_set(e, "the file exit is damaged");
	get_said(text, exit->said);
	return 0;
}

bool state_is_alive(pid_t pid, uint64_t start)
{
	uint64_t ticks;

	return pid > 0 && proc_start_time(pid, &ticks, NULL) == 0 && ticks == start;
}
