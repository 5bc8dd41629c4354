#include "gate/frame.h"

#include <errno.h>
#include <stdlib.h>

/* Idle frames that keep their memory; the rest goes back to the heap. */
enum { IDLE_MAX = 128 };

struct frame_pool {
	struct frame *idle;
	size_t idle_count, frames, frames_max;
};

struct frame_pool *frame_pool_create(size_t frames_max)
{
	struct frame_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		abort();
	pool->frames_max = frames_max;
	return pool;
}

void frame_pool_destroy(struct frame_pool *pool)
{
	struct frame *f;

	if (!pool)
		return;
	while ((f = pool->idle)) {
		pool->idle = f->next;
		free(f);
	}
	free(pool);
}

struct frame *frame_get(struct frame_pool *pool)
{
	struct frame *f = pool->idle;

	if (f) {
		pool->idle = f->next;
		pool->idle_count--;
	} else {
		if (pool->frames == pool->frames_max)
			return NULL;
		f = aligned_alloc(_Alignof(struct frame), sizeof(*f));
		if (!f)
			return NULL;
		f->pool = pool;
		pool->frames++;
	}
	f->next = NULL;
	f->counts = 1;
	f->size_bytes = 0;
	return f;
}

bool frame_pool_scarce(const struct frame_pool *pool)
{
	return pool->frames - pool->idle_count > pool->frames_max / 2;
}

struct frame *frame_keep(struct frame *f)
{
	f->counts++;
	return f;
}

void frame_drop(struct frame *f)
{
	if (!f || --f->counts > 0)
		return;
	if (f->pool->idle_count == IDLE_MAX) {
		f->pool->frames--;
		free(f);
		return;
	}
	/* The last one first: its pages are in the cache. */
	f->next = f->pool->idle;
	f->pool->idle = f;
	f->pool->idle_count++;
}
