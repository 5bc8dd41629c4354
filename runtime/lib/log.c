#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 }; /* below PIPE_BUF: the write stays whole in svd's pipe (pipe(7)) */

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

/* Bytes of the character at text when it may stand in a line as it is; 0 when its first byte is
 * to be escaped: no well-formed UTF-8 (RFC 3629), or a control that a terminal obeys: C0, DEL,
 * C1. */
static size_t printable_size(const char *text, size_t left_bytes)
{
	static const unsigned least[] = { 0x20, 0xa0, 0x800, 0x10000 }; /* by further bytes */
	const unsigned char *at = (const unsigned char *)text;
	size_t more = at[0] < 0x80 ? 0 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3, i;
	unsigned code = more == 0 ? at[0] : at[0] & (0x3fu >> more);

	if ((at[0] >= 0x80 && at[0] < 0xc0) || at[0] > 0xf4 || more >= left_bytes)
		return 0;
	for (i = 1; i <= more; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	/* 0x1b << 11 are the surrogates. */
	if (code < least[more] || code == 0x7f || code > 0x10ffff || code >> 11 == 0x1b)
		return 0;
	return more + 1;
}

/* Appends text in readable form, never half a character; false when it did not fit. */
static bool put_escaped(char *line, size_t *used, const char *text)
{
	size_t left = strlen(text), size;
	char escape[5];
	const char *piece;
	size_t piece_bytes;

	for (; left > 0; text += size, left -= size) {
		size = printable_size(text, left);
		piece = text;
		piece_bytes = size;
		if (size == 0) {
			snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)*text);
			piece = escape;
			piece_bytes = 4;
			size = 1;
		}
		if (*used + piece_bytes > LINE_BYTES - 4) /* room for "...\n" */
			return false;
		memcpy(line + *used, piece, piece_bytes);
		*used += piece_bytes;
	}
	return true;
}

/* False: the line is lost. */
static bool put_line(enum log_level level, const char *format, va_list args)
{
	char text[LINE_BYTES + 1], line[LINE_BYTES];
	size_t used = 0;
	int saved = errno, n;
	ssize_t written;

	if (level > level_max)
		return true;
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
	return written >= 0;
}

#define PUT_LINE(level, format)                \
	do {                                   \
		va_list args;                  \
		va_start(args, format);        \
		put_line(level, format, args); \
		va_end(args);                  \
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

bool log_offer(const char *format, ...)
{
	va_list args;
	bool said;

	va_start(args, format);
	said = put_line(LOG_LEVEL_INFO, format, args);
	va_end(args);
	return said;
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
