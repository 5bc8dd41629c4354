#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max_bytes = max_bytes };
}

void buf_finish(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buf){ .max_bytes = b->max_bytes };
}

/* Room for size_bytes more and the NUL. */
static bool reserve(struct buf *b, size_t size_bytes)
{
	size_t need, capacity;
	char *data;

	if (b->overflow || size_bytes > b->max_bytes - b->size_bytes ||
	    __builtin_add_overflow(b->size_bytes + size_bytes, 1, &need)) {
		b->overflow = true;
		return false;
	}
	if (need <= b->capacity_bytes)
		return true;
	capacity = b->capacity_bytes ? b->capacity_bytes : BUF_FIRST_BYTES;
	while (capacity < need)
		if (__builtin_mul_overflow(capacity, 2, &capacity))
			abort();
	data = realloc(b->data, capacity);
	if (!data)
		abort();
	b->data = data;
	b->capacity_bytes = capacity;
	return true;
}

bool buf_add(struct buf *b, const void *data, size_t size_bytes)
{
	if (!reserve(b, size_bytes))
		return false;
	if (size_bytes > 0)
		memcpy(b->data + b->size_bytes, data, size_bytes);
	b->size_bytes += size_bytes;
	b->data[b->size_bytes] = '\0';
	return true;
}

bool buf_add_str(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

bool buf_add_format(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || !reserve(b, (size_t)n)) {
		b->overflow = true;
		return false;
	}
	va_start(args, format);
	vsnprintf(b->data + b->size_bytes, (size_t)n + 1, format, args);
	va_end(args);
	b->size_bytes += (size_t)n;
	return true;
}

void buf_drop_front(struct buf *b, size_t size_bytes)
{
	if (size_bytes > b->size_bytes)
		abort(); /* the caller consumed what was never there */
	if (size_bytes == 0)
		return;
	b->size_bytes -= size_bytes;
	memmove(b->data, b->data + size_bytes, b->size_bytes + 1);
}

void buf_clear(struct buf *b)
{
	b->size_bytes = 0;
	b->overflow = false;
	if (b->data)
		b->data[0] = '\0';
}
