/* buf.h - a growing byte buffer with an upper bound.
 *
 * After a failed append (bound reached) the buffer is marked and every later append fails too, so a
 * writer checks once, at the end. Out of memory aborts: see STYLE, the daemon is started again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NUL-terminated beyond size_bytes, or NULL when nothing was appended */
	size_t size_bytes;
	size_t capacity_bytes;
	size_t max_bytes;
	bool overflow;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_finish(struct buf *b); /* NULL-safe, zeroed-safe */
bool buf_add(struct buf *b, const void *data, size_t size_bytes);
bool buf_add_str(struct buf *b, const char *text);
bool buf_add_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop_front(struct buf *b, size_t size_bytes); /* forget what was consumed */
void buf_clear(struct buf *b);			       /* keeps the memory */
