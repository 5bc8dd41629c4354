/* lwip_bytes.h - what lwIP received for one connection: a chain of pieces, each in the frame that
 * it came in or in memory of its own. Who has it lets it go. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

struct lwip_bytes;

size_t lwip_bytes_size(const struct lwip_bytes *b);
/* The pieces behind the first `skip` bytes: returns their count. */
int lwip_bytes_pieces(const struct lwip_bytes *b, size_t skip, struct iovec *pieces, int max);
/* The same bytes without the first `skip`, in as much memory as they need; `b` as it is when there
 * is none to copy them into. */
struct lwip_bytes *lwip_bytes_compact(struct lwip_bytes *b, size_t skip);
void lwip_bytes_drop(struct lwip_bytes *b); /* NULL is fine */
