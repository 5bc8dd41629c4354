#include "init/logcap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

enum { STAMP_BYTES = 24 };	/* 2026-11-20T11:30:00.123 and a blank */

static int open_young(struct logcap *l, int more_flags)
{
	return openat(l->dir_fd, l->name,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | more_flags, 0600);
}

int logcap_open(struct logcap *l, int dir_fd, const char *name, uint64_t max_bytes, struct err *e)
{
	struct stat st;

	*l = (struct logcap){ .dir_fd = dir_fd, .fd = -1, .max_bytes = max_bytes };
	if (!str_copy(l->name, sizeof(l->name), name))
		return err_set(e, "log %s: the name is too long", name);
	l->fd = open_young(l, 0);
	if (l->fd < 0 || fstat(l->fd, &st))
		return err_sys(e, "log %s: open", name);
	l->size_bytes = (uint64_t)st.st_size;
	return 0;
}

void logcap_close(struct logcap *l)
{
	fd_close(&l->fd);
}

/* Swaps the halves. When that fails the younger one begins anew: the bound comes first. */
static void turn(struct logcap *l)
{
	char old[LOGCAP_NAME_MAX + 2];

	snprintf(old, sizeof(old), "%s.1", l->name);
	if (renameat(l->dir_fd, l->name, l->dir_fd, old))
		unlinkat(l->dir_fd, l->name, 0);
	fd_close(&l->fd);
	l->fd = open_young(l, O_TRUNC);
	l->size_bytes = 0;
}

static void keep_line(struct logcap *l)
{
	char text[STAMP_BYTES + LOGCAP_LINE_MAX + 1], stamp[TIME_RFC3339_BYTES];
	size_t size = STAMP_BYTES + l->used + 1;
	ssize_t written;

	time_rfc3339_now(stamp);
	memcpy(text, stamp, STAMP_BYTES - 1);
	text[STAMP_BYTES - 1] = ' ';
	memcpy(text + STAMP_BYTES, l->line, l->used);
	text[size - 1] = '\n';
	if (l->fd < 0 || l->size_bytes + size > l->max_bytes / 2)
		turn(l);
	written = l->fd < 0 ? -1 : write(l->fd, text, size);
	if (written == (ssize_t)size) {
		l->size_bytes += size;
		l->losing = false;
		return;
	}
	if (written > 0 && ftruncate(l->fd, (off_t)l->size_bytes))
		l->size_bytes += (uint64_t)written;
	if (!l->losing &&
	    !str_equal(l->name, "svd")) /* not about itself: the warning is such a line */
		log_warn("log of %s: %m; its lines are lost until there is room in /run", l->name);
	l->losing = true;
}

void logcap_feed(struct logcap *l, const char *data, size_t size_bytes, logcap_line_fn *on_line,
		 void *ctx)
{
	while (size_bytes > 0) {
		const char *end = memchr(data, '\n', size_bytes);
		size_t part = end ? (size_t)(end - data) : size_bytes;
		size_t room = sizeof(l->line) - l->used;
		size_t take = part < room ? part : room;

		memcpy(l->line + l->used, data, take);
		l->used += take;
		data += take;
		size_bytes -= take;
		if (l->used < sizeof(l->line) && !(end && take == part))
			continue;
		keep_line(l);
		on_line(ctx, l->line, l->used);
		l->used = 0;
		if (end && take == part) {
			data++;
			size_bytes--;
		}
	}
}

bool logcap_is_important(const char *line, size_t size_bytes)
{
	return (size_bytes > 4 && memcmp(line, "err ", 4) == 0) ||
	       (size_bytes > 5 && memcmp(line, "warn ", 5) == 0);
}
