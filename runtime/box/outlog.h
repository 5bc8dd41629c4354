/* outlog.h - the log file of one container: a JSON object per line, as Docker's json-file driver
 * writes.
 *
 *   {"log":"Hello\n","stream":"stdout","time":"2026-11-20T12:00:00.123456789Z"}
 *
 * `log` and, after a rotation, `log.1` together stay within the bound. A line beyond
 * OUTLOG_LINE_MAX is cut into several without "\n". What the disk does not take is dropped and
 * counted: the container goes on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum { OUTLOG_LINE_MAX = 16384 };	/* as Docker cuts */

struct outlog {
	int dir_fd, fd;			/* dir_fd is the caller's */
	uint64_t size_bytes, max_bytes;	/* of one file */
	uint64_t lost_bytes;		/* of the container's output */
};

/* Goes on at the end of an earlier log. */
int outlog_open(struct outlog *log, int dir_fd, uint64_t max_bytes, struct err *e);
void outlog_close(struct outlog *log);

/* One line or a part of one, as it came. stream: "stdout" or "stderr". */
void outlog_put(struct outlog *log, const char *stream, const char *text, size_t size_bytes);
