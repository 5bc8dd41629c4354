/* outlog.c - see outlog.h */
#include "box/outlog.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/time.h"
#include "lib/utf8.h"

enum {
	ENTRY_BYTES = OUTLOG_LINE_MAX * 6 + 128,	/* every byte as \u00XX, and the frame */
	FILE_BYTES_MIN = 64 << 10,
};

int outlog_open(struct outlog *log, int dir_fd, uint64_t max_bytes, struct err *e)
{
	struct stat st;

	log->dir_fd = dir_fd;
	log->max_bytes = max_bytes / 2 < FILE_BYTES_MIN ? FILE_BYTES_MIN : max_bytes / 2;
	log->lost_bytes = 0;
	log->size_bytes = 0;
	log->fd =
		openat(dir_fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->fd < 0)
		return err_sys(e, "open log");
	if (fstat(log->fd, &st) == 0)
		log->size_bytes = (uint64_t)st.st_size;
	return 0;
}

void outlog_close(struct outlog *log)
{
	fd_close(&log->fd);
}

static void rotate(struct outlog *log)
{
	int fd;

	if (renameat(log->dir_fd, "log", log->dir_fd, "log.1") < 0)
		return;
	fd = openat(log->dir_fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;		/* no inode left: the old file goes on, under its new name */
	fd_close(&log->fd);
	log->fd = fd;
	log->size_bytes = 0;
}

static size_t escape(char *out, const char *text, size_t size_bytes)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + size_bytes;
	char *start = out;

	while (at < end) {
		size_t length = *at < 0x80 ? 1 : utf8_size((const char *)at, (size_t)(end - at));

		if (length == 0) {
			memcpy(out, "\\ufffd", 6);
			out += 6;
			at++;
		} else if (*at == '\n') {
			memcpy(out, "\\n", 2);
			out += 2;
			at++;
		} else if (*at < 0x20 || *at == 0x7f) {
			out += sprintf(out, "\\u%04x", *at++);
		} else {
			if (*at == '"' || *at == '\\')
				*out++ = '\\';
			memcpy(out, at, length);
			out += length;
			at += length;
		}
	}
	return (size_t)(out - start);
}

static size_t format(char *entry, const char *stream, const char *text, size_t size_bytes)
{
	char now[TIME_RFC3339_BYTES];
	size_t size = 0;

	time_rfc3339_now(now);
	memcpy(entry, "{\"log\":\"", 8);
	size = 8 + escape(entry + 8, text, size_bytes);
	return size + (size_t)sprintf(entry + size, "\",\"stream\":\"%s\",\"time\":\"%s\"}\n",
				      stream, now);
}

void outlog_put(struct outlog *log, const char *stream, const char *text, size_t size_bytes)
{
	static char
		entry[ENTRY_BYTES]; /* one log per process; pages are touched as lines need them */
	size_t size = format(entry, stream, text, size_bytes);
	ssize_t n;

	if (log->size_bytes + size > log->max_bytes)
		rotate(log);
	n = write(log->fd, entry, size);
	if (n == (ssize_t)size) {
		log->size_bytes += size;
		return;
	}
	log->lost_bytes += size_bytes;
	/* A line cut by a full disk would spoil the next one. */
	if (n > 0 && ftruncate(log->fd, (off_t)log->size_bytes) < 0)
		log->size_bytes += (uint64_t)n;
}
