#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/utf8.h"

enum { LINE_BYTES = 1024 };	/* below PIPE_BUF: the write stays whole in svd's pipe (pipe(7)) */

static const char *const level_names[] = {
	[LOG_LEVEL_ERR] = "err",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const char *program_name = "?";
static enum log_level level_max = LOG_LEVEL_INFO;

void log_init(const char *program, enum log_level level)
{
	program_name = program;
	level_max = level;
}

/* C0, DEL and C1 (U+0080 to U+009F, two bytes from 0xc2): a terminal obeys all of them. */
static bool is_control(const char *at, size_t size)
{
	unsigned char c = (unsigned char)at[0];

	return c < 0x20 || c == 0x7f || (size == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0);
}

/* Appends text in readable form, never half a character; false when it did not fit. */
static bool put_escaped(char *line, size_t *used, const char *text)
{
	size_t left = strlen(text), size;
	char escape[5];
	const char *piece;
	size_t piece_bytes;

	for (; left > 0; text += size, left -= size) {
		size = utf8_size(text, left);
		piece = text;
		piece_bytes = size;
		if (size == 0 || is_control(text, size)) {
			snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)*text);
			piece = escape;
			piece_bytes = 4;
			size = 1;
		}
		if (*used + piece_bytes > LINE_BYTES - 4)	/* room for "...\n" */
			return false;
		memcpy(line + *used, piece, piece_bytes);
		*used += piece_bytes;
	}
	return true;
}

static void put_line(enum log_level level, const char *format, va_list args)
{
	char text[LINE_BYTES + 1], line[LINE_BYTES];
	size_t used = 0;
	int saved = errno, n;
	ssize_t written;

	if (level > level_max)
		return;
	n = vsnprintf(text, sizeof(text), format, args);
	put_escaped(line, &used, level_names[level]);
	put_escaped(line, &used, " ");
	put_escaped(line, &used, program_name);
	put_escaped(line, &used, ": ");
	if (!put_escaped(line, &used, text) || n >= (int)sizeof(text)) {
		memcpy(line + used, "...", 3);
		used += 3;
	}
	line[used++] = '\n';
	do
		written = write(STDERR_FILENO, line, used);
	while (written < 0 && errno == EINTR);
	errno = saved;
}

#define PUT_LINE(level, format) do { \
	va_list args; \
	va_start(args, format); \
	put_line(level, format, args); \
	va_end(args); \
} while (0)

void log_err(const char *format, ...)
{
	PUT_LINE(LOG_LEVEL_ERR, format);
}

void log_warn(const char *format, ...)
{
	PUT_LINE(LOG_LEVEL_WARN, format);
}

void log_info(const char *format, ...)
{
	PUT_LINE(LOG_LEVEL_INFO, format);
}

void log_debug(const char *format, ...)
{
	PUT_LINE(LOG_LEVEL_DEBUG, format);
}

void die(const char *format, ...)
{
	PUT_LINE(LOG_LEVEL_ERR, format);
	exit(1);
}
