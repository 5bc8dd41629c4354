/* pcap_cut.c - see pcap_cut.h. */
#include "engine/pcap_cut.h"

#include <string.h>

#include "lib/err.h"

enum {
	HEAD_BYTES = 24,
	RECORD_BYTES = 16,
	KEPT_AT = 8,		/* of a record's head */
	MAGIC = 0xa1b23c4d,	/* nanoseconds, this machine's byte order */
};

static uint32_t number_at(const uint8_t *bytes)
{
	uint32_t n;

	memcpy(&n, bytes, sizeof(n));
	return n;
}

static bool has_room(struct pcap_cut *c, size_t at, size_t more)
{
	c->is_full = c->bytes + at + more > c->bytes_max;
	return !c->is_full;
}

ptrdiff_t pcap_cut_take(struct pcap_cut *c, const uint8_t *bytes, size_t size_bytes, struct err *e)
{
	size_t at = 0;

	if (c->bytes == 0) {
		if (size_bytes < HEAD_BYTES)
			return 0;
		if (number_at(bytes) != (uint32_t)MAGIC)
			return err_set(e, "the gateway sent something else than packets");
		if (!has_room(c, 0, HEAD_BYTES))
			return 0;
		at = HEAD_BYTES;
	}
	while (size_bytes - at >= RECORD_BYTES) {
		uint32_t kept = number_at(bytes + at + KEPT_AT);

		if (kept > PCAP_CUT_PACKET_MAX)
			return err_set(e, "the gateway sent a packet of %u bytes", kept);
		if (size_bytes - at - RECORD_BYTES < kept || !has_room(c, at, RECORD_BYTES + kept))
			break;
		at += RECORD_BYTES + kept;
		c->packets++;
	}
	c->bytes += at;
	return (ptrdiff_t)at;
}
