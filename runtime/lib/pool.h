/* pool.h - malloc for a program that ends soon: memory in one row, given back to itself alone.
 *
 * A heap costs such a program more than what it puts there: brk and mmap for every kind of size, a
 * page of its own for each, page tables for a part of the address space that nothing else is in,
 * and all of it again in a child. Here blocks follow each other in what the owner gave, and what
 * is freed is found again by its size. When that is used up, more is mapped; nothing is unmapped.
 *
 * Blocks are aligned to 16; one that is freed twice aborts. One thread. Knows nothing of libc's
 * names: a main that wants the pool behind malloc says so (prog/box.c). */
#pragma once

#include <stddef.h>

struct pool_block;

enum { POOL_CLASSES = 64 };

/* Zeroed: an empty one. `at` to `end` may be set to zeroed memory, aligned to 16. */
struct pool {
	unsigned char *at, *end;			/* what was never used */
	struct pool_block *freed[POOL_CLASSES];		/* by the power of two that they have */
};

/* NULL and ENOMEM when there is no more. */
void *pool_alloc(struct pool *p, size_t size_bytes);
void *pool_alloc_zeroed(struct pool *p, size_t count, size_t size_bytes);
void *pool_resize(struct pool *p, void *data, size_t size_bytes); /* data: NULL is fine */
void pool_free(struct pool *p, void *data);			   /* NULL is fine */
