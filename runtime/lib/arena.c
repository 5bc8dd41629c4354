#include "lib/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ALIGN_BYTES = 16,
	CHUNK_BYTES = 4080, /* with malloc's own header one page */
};

struct chunk {
	struct chunk *next;
	size_t used_bytes, size_bytes;
	_Alignas(ALIGN_BYTES) unsigned char data[];
};

struct arena {
	struct chunk *chunks; /* the first one is being filled */
	size_t used_bytes, max_bytes;
};

struct arena *arena_create(size_t max_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->max_bytes = max_bytes;
	return a;
}

void arena_destroy(struct arena *a)
{
	struct chunk *c;

	if (!a)
		return;
	while ((c = a->chunks)) {
		a->chunks = c->next;
		free(c);
	}
	free(a);
}

/* A big one gets a chunk of its own behind the first, which goes on being filled. */
static struct chunk *chunk_add(struct arena *a, size_t size_bytes)
{
	size_t usual = CHUNK_BYTES - sizeof(struct chunk);
	bool big = size_bytes > usual / 4;
	struct chunk *c;

	if (!big)
		size_bytes = usual;
	c = calloc(1, sizeof(*c) + size_bytes);
	if (!c)
		abort();
	c->size_bytes = size_bytes;
	if (big && a->chunks) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	return c;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	struct chunk *c = a->chunks;
	void *place;

	if (size_bytes > a->max_bytes - a->used_bytes || size_bytes > SIZE_MAX / 2)
		abort();
	a->used_bytes += size_bytes;
	/* At least one byte, so that two allocations are never at the same address. */
	size_bytes = (size_bytes + !size_bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	if (!c || size_bytes > c->size_bytes - c->used_bytes)
		c = chunk_add(a, size_bytes);
	place = c->data + c->used_bytes;
	c->used_bytes += size_bytes;
	return place;
}

void *arena_array(struct arena *a, size_t count, size_t size_bytes)
{
	size_t product;

	if (__builtin_mul_overflow(count, size_bytes, &product))
		abort();
	return arena_alloc(a, product);
}

char *arena_str(struct arena *a, const char *text)
{
	return text ? arena_strn(a, text, strlen(text)) : NULL;
}

char *arena_strn(struct arena *a, const char *text, size_t size_bytes)
{
	char *copy;

	if (size_bytes == SIZE_MAX)
		abort();
	copy = arena_alloc(a, size_bytes + 1);
	if (size_bytes > 0)
		memcpy(copy, text, size_bytes);
	return copy;
}

char *arena_format(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		abort();
	text = arena_alloc(a, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}
