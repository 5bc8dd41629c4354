/* logcap.h - what a unit prints, kept as lines with the time in front, within a size.
 *
 * Two halves: NAME takes the lines; when it is full it becomes NAME.1, whose older lines are gone.
 * Together they never take more than max_bytes. A full file system costs lines, never the writer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { LOGCAP_LINE_MAX = 1024, LOGCAP_NAME_MAX = 64 };

struct logcap {
	int dir_fd;			/* borrowed */
	int fd;				/* -1 = not open */
	char name[LOGCAP_NAME_MAX];
	uint64_t max_bytes, size_bytes;	/* size of the younger half */
	bool losing;			/* the last write failed */
	char line[LOGCAP_LINE_MAX];	/* begun, not ended */
	size_t used;
};

typedef void logcap_line_fn(void *ctx, const char *line, size_t size_bytes);

/* Goes on behind what is there. */
int logcap_open(struct logcap *l, int dir_fd, const char *name, uint64_t max_bytes, struct err *e);
void logcap_close(struct logcap *l);

/* Keeps what is whole; on_line sees every whole line without its end. Longer lines are cut into
 * several. */
void logcap_feed(struct logcap *l, const char *data, size_t size_bytes, logcap_line_fn *on_line,
		 void *ctx);

/* Pure: a line of ours that begins with `err ` or `warn ` (lib/log.h) concerns whoever looks at the
 * console. */
bool logcap_is_important(const char *line, size_t size_bytes);
