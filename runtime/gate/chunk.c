#include "gate/chunk.h"

#include <stdbool.h>
#include <stdlib.h>

_Static_assert(sizeof(struct chunk) == 65536, "whole pages, and a power of two");

/* Idle chunks that keep their memory; the rest goes back to the heap. */
enum { IDLE_MAX = 128 };

struct chunk_pool {
	struct chunk *idle;
	size_t idle_count, used, chunks_max;
};

struct chunk_pool *chunk_pool_create(size_t chunks_max)
{
	struct chunk_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		abort();
	pool->chunks_max = chunks_max;
	return pool;
}

void chunk_pool_destroy(struct chunk_pool *pool)
{
	struct chunk *c;

	if (!pool)
		return;
	while ((c = pool->idle)) {
		pool->idle = c->next;
		free(c);
	}
	free(pool);
}

size_t chunk_pool_left(const struct chunk_pool *pool)
{
	return pool->chunks_max - pool->used;
}

static struct chunk *take(struct chunk_pool *pool)
{
	struct chunk *c = pool->idle;

	if (pool->used == pool->chunks_max)
		return NULL;
	if (c) {
		pool->idle = c->next;
		pool->idle_count--;
	} else {
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
	}
	pool->used++;
	c->next = NULL;
	c->used = c->let_go = 0;
	return c;
}

static void give_back(struct chunk_pool *pool, struct chunk_row *row, struct chunk *c)
{
	pool->used--;
	row->count--;
	if (row->share)
		--*row->share;
	if (pool->idle_count >= IDLE_MAX) {
		free(c);
		return;
	}
	c->next = pool->idle;
	pool->idle = c;
	pool->idle_count++;
}

/* Of one owner: who does not read takes nothing from the others. */
static uint32_t share_max(const struct chunk_pool *pool)
{
	return (uint32_t)(pool->chunks_max / 4);
}

static bool may_grow(const struct chunk_pool *pool, const struct chunk_row *row)
{
	uint32_t max = share_max(pool);

	if (!row->share)
		return true;
	if (*row->share >= max)
		return false;
	return row->count == 0 ||
	       (row->count < max - *row->share && *row->share < chunk_pool_left(pool));
}

struct chunk *chunk_row_room(struct chunk_pool *pool, struct chunk_row *row)
{
	struct chunk *c = row->last;

	if (c && c->used <= CHUNK_BYTES - CHUNK_ROOM_MIN)
		return c;
	if (!may_grow(pool, row))
		return NULL;
	c = take(pool);
	if (!c)
		return NULL;
	row->count++;
	if (row->share)
		++*row->share;
	if (row->last)
		row->last->next = c;
	else
		row->first = c;
	row->last = c;
	return c;
}

static void drop_first(struct chunk_pool *pool, struct chunk_row *row)
{
	struct chunk *c = row->first;

	row->first = c->next;
	if (!row->first)
		row->last = NULL;
	give_back(pool, row, c);
}

void chunk_row_drop(struct chunk_pool *pool, struct chunk_row *row, size_t size_bytes)
{
	struct chunk *c;
	size_t part;

	while ((c = row->first)) {
		part = c->used - c->let_go;
		if (part > size_bytes)
			part = size_bytes;
		c->let_go += (uint32_t)part;
		size_bytes -= part;
		/* One that is not full but done would only be appended to: a new one is as good. */
		if (c->let_go < c->used)
			return;
		drop_first(pool, row);
	}
}

void chunk_row_trim(struct chunk_pool *pool, struct chunk_row *row)
{
	struct chunk *c = row->first;

	if (!row->last || row->last->used > 0)
		return;
	if (c == row->last) {
		drop_first(pool, row);
		return;
	}
	while (c->next != row->last)
		c = c->next;
	c->next = NULL;
	give_back(pool, row, row->last);
	row->last = c;
}

void chunk_row_leave_share(struct chunk_row *row)
{
	const struct chunk *c;

	for (c = row->first; c && row->share; c = c->next)
		--*row->share;
	row->share = NULL;
}

void chunk_row_clear(struct chunk_pool *pool, struct chunk_row *row)
{
	while (row->first)
		drop_first(pool, row);
}

size_t chunk_row_size(const struct chunk_row *row)
{
	const struct chunk *c;
	size_t sum = 0;

	for (c = row->first; c; c = c->next)
		sum += c->used - c->let_go;
	return sum;
}
