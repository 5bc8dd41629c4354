#include "gate/lwip_bytes.h"

#include <lwip/pbuf.h>

#include "gate/lwip_hooks.h"

size_t lwip_bytes_size(const struct lwip_bytes *b)
{
	return ((const struct pbuf *)b)->tot_len;
}

int lwip_bytes_pieces(const struct lwip_bytes *b, size_t skip, struct iovec *pieces, int max)
{
	const struct pbuf *p;
	int count = 0;

	for (p = (const struct pbuf *)b; p && count < max; p = p->next) {
		if (skip >= p->len) {
			skip -= p->len;
			continue;
		}
		pieces[count++] = (struct iovec){ (char *)p->payload + skip, p->len - skip };
		skip = 0;
	}
	return count;
}

struct lwip_bytes *lwip_bytes_compact(struct lwip_bytes *b, size_t skip)
{
	struct pbuf *from = (struct pbuf *)b, *to;
	u16_t size = (u16_t)(from->tot_len - skip);

	to = lwip_heap_scarce() ? NULL : pbuf_alloc(PBUF_RAW, size, PBUF_RAM);
	if (!to)
		return b;
	pbuf_copy_partial(from, to->payload, size, (u16_t)skip);
	pbuf_free(from);
	return (struct lwip_bytes *)to;
}

void lwip_bytes_drop(struct lwip_bytes *b)
{
	if (b)
		pbuf_free((struct pbuf *)b);
}
