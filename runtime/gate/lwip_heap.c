/* lwip_heap.c - the memory that lwIP gets: connections, segments, copies of packets. From libc,
 * with a bound: beyond it lwIP finds no memory and drops what it was about to keep, as on a small
 * machine. The names stand in the Makefile (LWIP_HEAP): lwIP's own are taken by others. */
#include <lwip/mem.h>
#include <malloc.h>
#include <stdlib.h>

enum {
	HEAP_MAX = 192 * 1024 * 1024, /* 65,536 connections of ~400 bytes, the rest for bytes */
	EARLY_MAX = 64,		      /* segments of one connection that came before their turn */
};

void *lwip_heap_get(mem_size_t size_bytes);
void *lwip_heap_get_zeroed(mem_size_t count, mem_size_t size_bytes);
void *lwip_heap_trim(void *at, mem_size_t size_bytes);
void lwip_heap_drop(void *at);

static size_t in_use;

/* Segments that came too early are kept while there is plenty only: the rest is for those in order.
 */
u16_t lwip_heap_early_max(void);

u16_t lwip_heap_early_max(void)
{
	return in_use > HEAP_MAX / 2 ? 0 : EARLY_MAX;
}

/* Copies of bytes end here. The last quarter is for connections and their segments: one that finds
 * no memory for what was read from its socket has to end. */
int lwip_heap_scarce(void);

int lwip_heap_scarce(void)
{
	return in_use > HEAP_MAX / 4 * 3;
}

void *lwip_heap_get(mem_size_t size_bytes)
{
	void *at;

	if (in_use > HEAP_MAX)
		return NULL;
	at = malloc(size_bytes);
	if (at)
		in_use += malloc_usable_size(at);
	return at;
}

void *lwip_heap_get_zeroed(mem_size_t count, mem_size_t size_bytes)
{
	void *at;

	if (in_use > HEAP_MAX)
		return NULL;
	at = calloc(count, size_bytes);
	if (at)
		in_use += malloc_usable_size(at);
	return at;
}

/* Only ever smaller, and soon freed: it stays as it is. */
void *lwip_heap_trim(void *at, mem_size_t size_bytes)
{
	(void)size_bytes;
	return at;
}

void lwip_heap_drop(void *at)
{
	if (at)
		in_use -= malloc_usable_size(at);
	free(at);
}
