/* chunk.h - bytes on their way from a socket to a container: rows of 64 KiB chunks, from one
 * bounded pool.
 *
 * A chunk is written at its end only and never moved, so that lwIP may refer to what is in it until
 * it is acknowledged. An idle flow has none. Knows nothing of sockets and lwIP. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	CHUNK_BYTES = 65536 - 16,
	CHUNK_ROOM_MIN = 8192, /* less than this at the end is left: it would make small segments */
};

struct chunk {
	struct chunk *next;
	uint32_t used, let_go; /* of the bytes */
	uint8_t bytes[CHUNK_BYTES];
};

struct chunk_pool;

struct chunk_row {
	struct chunk *first, *last;
	uint32_t count;
	uint32_t *share; /* counts its owner's chunks in all rows; NULL: without bound */
};

struct chunk_pool *chunk_pool_create(size_t chunks_max);
void chunk_pool_destroy(struct chunk_pool *pool); /* NULL is fine; all chunks are back */
/* Chunks that are not in a row. */
size_t chunk_pool_left(const struct chunk_pool *pool);

/* The last chunk of the row with room in it, or a new one; NULL: the pool's bound, the owner's or
 * the row's. Beyond its first chunk a row takes no more than it leaves to its owner's others, and
 * an owner no more than he leaves in the pool: streams that nobody reads do not stop those that
 * somebody does (dynamic thresholds: Choudhury and Hahne, IEEE/ACM ToN 6(2), 1998). */
struct chunk *chunk_row_room(struct chunk_pool *pool, struct chunk_row *row);
/* The first bytes, acknowledged: chunks that are done go back. */
void chunk_row_drop(struct chunk_pool *pool, struct chunk_row *row, size_t size_bytes);
/* Gives an empty last chunk back. */
void chunk_row_trim(struct chunk_pool *pool, struct chunk_row *row);
/* No more on its owner's account. */
void chunk_row_leave_share(struct chunk_row *row);
void chunk_row_clear(struct chunk_pool *pool, struct chunk_row *row);
size_t chunk_row_size(const struct chunk_row *row); /* bytes that are in it */
