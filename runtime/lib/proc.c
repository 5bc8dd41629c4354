#include "lib/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

enum { PASSED_FIRST = 3 };

int proc_passed_fd(const char *name)
{
	const char *at = getenv("CUVETTE_FDS");
	size_t name_bytes = strlen(name), size_bytes;
	int fd;

	for (fd = PASSED_FIRST; at && *at; fd++) {
		size_bytes = strcspn(at, ":");
		if (size_bytes == name_bytes && memcmp(at, name, name_bytes) == 0)
			return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
		at += size_bytes + (at[size_bytes] == ':');
	}
	return -1;
}

static void tell(const char *line)
{
	int fd = proc_passed_fd("notify");
	struct err e;

	if (fd >= 0 && fd_write_all(fd, line, strlen(line), &e) < 0)
		log_warn("tell the supervisor: %s", e.text);
}

void proc_tell_ready(void)
{
	tell("ready\n");
}

void proc_ask_poweroff(void)
{
	tell("poweroff\n");
}

int proc_stat(pid_t pid, struct proc_stat *s, struct err *e)
{
	enum { FORKED_WITHOUT_EXEC = 0x40 };	/* PF_FORKNOEXEC of linux/sched.h */
	char path[32], text[1024], *at, *end;
	AUTO_FD int fd = -1;
	ssize_t n;
	int field;
	uint64_t parent = 0, flags = FORKED_WITHOUT_EXEC;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	n = read(fd, text, sizeof(text) - 1);	/* whole: procfs makes it at the first read */
	if (n < 0)
		return err_sys(e, "read %s", path);
	text[n] = '\0';
	/* Field 2 is the name in parentheses and may hold anything, parentheses and blanks too. */
	at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		return err_set(e, "%s: it has no name", path);
	s->state = at[2];
	for (field = 2, at++; at && field < 22; field++) {
		if (field == 4)
			parent = strtoull(at, NULL, 10);
		if (field == 9)
			flags = strtoull(at, NULL, 10);
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	end = at ? strchr(at, ' ') : NULL;
	if (end)
		*end = '\0';
	if (!end || !str_to_u64(at, &s->start))
		return err_set(e, "%s: field 22 is no number", path);
	s->parent = (pid_t)parent;
	s->has_execed = !(flags & FORKED_WITHOUT_EXEC);
	return 0;
}

bool proc_pidfd_inode(int pidfd, uint64_t *inode)
{
	enum { PIDFS = 0x50494446 };	/* PID_FS_MAGIC of linux/magic.h since 6.9 */
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PIDFS || fstat(pidfd, &st) < 0)
		return false;
	*inode = st.st_ino;
	return true;
}

int proc_start_time(pid_t pid, uint64_t *ticks, struct err *e)
{
	struct proc_stat s;

	if (proc_stat(pid, &s, e))
		return -1;
	*ticks = s.start;
	return 0;
}
