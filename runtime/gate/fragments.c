#include "gate/fragments.h"

#include <netinet/in.h>
#include <string.h>

#include "gate/tun.h"

enum { IP_BYTES = 40, IP_LENGTH = 4, IP_NEXT = 6, MORE = 1 };

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t size_of(const struct iovec *pieces, int count)
{
	size_t size = 0;
	int i;

	for (i = 0; i < count; i++)
		size += pieces[i].iov_len;
	return size;
}

/* All pieces but the last one are of even length; the field holds the pseudo header's sum. */
static uint16_t checksum_of(const struct iovec *pieces, int count, size_t start)
{
	uint64_t sum = 0;
	const uint8_t *at;
	size_t n, size;
	int i;

	for (i = 0; i < count; i++) {
		at = (const uint8_t *)pieces[i].iov_base + (i == 0 ? start : 0);
		size = pieces[i].iov_len - (i == 0 ? start : 0);
		for (n = 0; n + 1 < size; n += 2)
			sum += (uint32_t)(at[n] << 8 | at[n + 1]);
		if (size % 2)
			sum += (uint32_t)at[size - 1] << 8;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void complete_checksum(const struct tun_offload *o, const struct iovec *pieces, int count)
{
	uint8_t *ip = pieces[0].iov_base, *field = ip + o->checksum_start + o->checksum_offset;
	uint16_t sum = checksum_of(pieces, count, o->checksum_start);

	/* 0 would mean that there is none. */
	put16(field, sum == 0 && ip[IP_NEXT] == IPPROTO_UDP ? 0xffff : sum);
}

static bool is_one(const struct tun_offload *o, const struct iovec *pieces, int count)
{
	const uint8_t *ip = pieces[0].iov_base;
	int i;

	if (!o || !o->checksum_offset || o->segment_bytes || count > FRAGMENTS_PIECES_MAX ||
	    o->checksum_start < IP_BYTES || ip[0] >> 4 != 6 ||
	    (size_t)o->checksum_start + o->checksum_offset + 2 > pieces[0].iov_len ||
	    (ip[IP_NEXT] != IPPROTO_UDP && ip[IP_NEXT] != IPPROTO_ICMPV6))
		return false;
	for (i = 0; i < count - 1; i++)
		if (pieces[i].iov_len % 2)
			return false;
	return true;
}

bool fragments_begin(struct fragments *f, const struct tun_offload *offload,
		     const struct iovec *pieces, int count, uint16_t mtu, uint32_t id)
{
	size_t size = size_of(pieces, count);

	if (mtu < FRAGMENTS_HEADERS + 8 || size <= mtu || !is_one(offload, pieces, count))
		return false;
	complete_checksum(offload, pieces, count);
	*f = (struct fragments){ .pieces = pieces, .count = count, .id = id };
	f->total = size - IP_BYTES;
	/* Where the next one begins is told in units of 8. */
	f->step = (size_t)(mtu - FRAGMENTS_HEADERS) & ~(size_t)7;
	memcpy(f->headers, pieces[0].iov_base, IP_BYTES);
	f->protocol = f->headers[IP_NEXT];
	f->headers[IP_NEXT] = IPPROTO_FRAGMENT;
	return true;
}

static void fill_headers(struct fragments *f, size_t size)
{
	uint8_t *at = f->headers + IP_BYTES;
	bool more = f->at + size < f->total;

	put16(f->headers + IP_LENGTH, (uint32_t)(size + FRAGMENTS_HEADERS - IP_BYTES));
	at[0] = f->protocol;
	at[1] = 0;
	put16(at + 2, (uint32_t)f->at | (more ? MORE : 0));
	put16(at + 4, f->id >> 16);
	put16(at + 6, f->id & 0xffff);
}

int fragments_next(struct fragments *f, struct iovec out[FRAGMENTS_PIECES_MAX + 1])
{
	size_t size = f->total - f->at, skip = f->at + IP_BYTES, left;
	int n = 0, i;

	if (size == 0)
		return 0;
	size = size < f->step ? size : f->step;
	fill_headers(f, size);
	out[n++] = (struct iovec){ f->headers, FRAGMENTS_HEADERS };
	f->at += size;
	for (i = 0; i < f->count && size > 0; i++) {
		if (skip >= f->pieces[i].iov_len) {
			skip -= f->pieces[i].iov_len;
			continue;
		}
		left = f->pieces[i].iov_len - skip;
		left = left < size ? left : size;
		out[n++] = (struct iovec){ (uint8_t *)f->pieces[i].iov_base + skip, left };
		size -= left;
		skip = 0;
	}
	return n;
}
