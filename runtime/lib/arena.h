/* arena.h - memory of one request or one document: many small allocations, one release.
 *
 * Never returns NULL: beyond max_bytes or out of memory it aborts, so callers bound their input
 * first. */
#pragma once

#include <stddef.h>

struct arena;

struct arena *arena_create(size_t max_bytes);
void arena_destroy(struct arena *a);		       /* NULL is fine */
void *arena_alloc(struct arena *a, size_t size_bytes); /* zeroed, aligned to 16 */
/* Zeroed; checks the product. */
void *arena_array(struct arena *a, size_t count, size_t size_bytes);
char *arena_str(struct arena *a, const char *text); /* NULL gives NULL */
char *arena_strn(struct arena *a, const char *text, size_t size_bytes);
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
