#include "lib/pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN_BYTES = 16, MORE_BYTES = 1 << 20 };

struct pool_block {
	size_t size_bytes;
	size_t is_free;
	struct pool_block *next; /* of the freed ones: in the data */
};

#define HEAD_BYTES offsetof(struct pool_block, next)
_Static_assert(HEAD_BYTES == ALIGN_BYTES, "the data must be aligned as its head is");

static struct pool_block *block_of(void *data)
{
	return (struct pool_block *)((unsigned char *)data - HEAD_BYTES);
}

static void *data_of(struct pool_block *b)
{
	return (unsigned char *)b + HEAD_BYTES;
}

/* What is left of the last piece stays unused: less than the block that did not fit. */
static bool add_piece(struct pool *p, size_t size_bytes)
{
	size_t piece_bytes = MORE_BYTES;
	void *piece;

	if (size_bytes > piece_bytes)
		piece_bytes = (size_bytes + MORE_BYTES - 1) & ~(size_t)(MORE_BYTES - 1);
	piece = mmap(NULL, piece_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (piece == MAP_FAILED) {
		errno = ENOMEM;
		return false;
	}
	p->at = piece;
	p->end = p->at + piece_bytes;
	return true;
}

/* A class has blocks of that power of two and more. The first one of the size's own class may do,
 * for what is freed and taken in turn is mostly of one size; every one of the next class does. */
static struct pool_block *take_freed(struct pool *p, size_t size_bytes)
{
	unsigned class = 63 - (unsigned)__builtin_clzl(size_bytes);
	struct pool_block *b = p->freed[class];

	if ((!b || b->size_bytes < size_bytes) && ++class < POOL_CLASSES)
		b = p->freed[class];
	if (!b)
		return NULL;
	p->freed[class] = b->next;
	b->is_free = 0;
	return b;
}

/* *is_new: its data is zero. */
static struct pool_block *take(struct pool *p, size_t size_bytes, bool *is_new)
{
	struct pool_block *b;

	if (size_bytes > SIZE_MAX / 4) {
		errno = ENOMEM;
		return NULL;
	}
	size_bytes = (size_bytes + !size_bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	b = take_freed(p, size_bytes);
	*is_new = !b;
	if (b)
		return b;
	if (size_bytes + HEAD_BYTES > (size_t)(p->end - p->at) &&
	    !add_piece(p, size_bytes + HEAD_BYTES))
		return NULL;
	b = (struct pool_block *)p->at;
	p->at += HEAD_BYTES + size_bytes;
	b->size_bytes = size_bytes;
	return b;
}

void *pool_alloc(struct pool *p, size_t size_bytes)
{
	bool is_new;
	struct pool_block *b = take(p, size_bytes, &is_new);

	return b ? data_of(b) : NULL;
}

void *pool_alloc_zeroed(struct pool *p, size_t count, size_t size_bytes)
{
	size_t product;
	bool is_new;
	struct pool_block *b;

	if (__builtin_mul_overflow(count, size_bytes, &product)) {
		errno = ENOMEM;
		return NULL;
	}
	b = take(p, product, &is_new);
	if (!b)
		return NULL;
	/* What was never used is zero, and its pages need not be there yet. */
	return is_new ? data_of(b) : memset(data_of(b), 0, product);
}

void *pool_resize(struct pool *p, void *data, size_t size_bytes)
{
	struct pool_block *b;
	void *copy;

	if (!data)
		return pool_alloc(p, size_bytes);
	b = block_of(data);
	if (size_bytes <= b->size_bytes)
		return data;
	/* Twice as large: whoever grows by a little each time leaves no row of blocks behind. */
	copy = pool_alloc(p, size_bytes < SIZE_MAX / 8 && size_bytes < 2 * b->size_bytes ?
				     2 * b->size_bytes :
				     size_bytes);
	if (!copy)
		return NULL;
	memcpy(copy, data, b->size_bytes);
	pool_free(p, data);
	return copy;
}

void pool_free(struct pool *p, void *data)
{
	struct pool_block *b;
	unsigned class;

	if (!data)
		return;
	b = block_of(data);
	if (b->is_free)
		abort();
	class = 63 - (unsigned)__builtin_clzl(b->size_bytes);
	b->is_free = 1;
	b->next = p->freed[class];
	p->freed[class] = b;
}
