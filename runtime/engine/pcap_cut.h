/* pcap_cut.h - where the last whole packet of a pcap stream ends, and when it is enough of it.
 *
 * The stream comes from a gateway (gate/capture.h), which may be someone else's by now: nothing of
 * it is believed but what is checked here. Pure. draft-ietf-opsawg-pcap: a head of 24 bytes, then
 * per packet 16 bytes and what was kept of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { PCAP_CUT_PACKET_MAX = 65535 };

struct pcap_cut {
	uint64_t bytes_max;	/* the caller's: no byte more */
	uint64_t bytes, packets; /* taken so far */
	bool is_full;		/* the next packet would be too much: the end */
};

/* So many bytes at the front are whole packets, 0 = more must come first. -1: it is no such
 * stream. What was taken does not come again. */
ptrdiff_t pcap_cut_take(struct pcap_cut *c, const uint8_t *bytes, size_t size_bytes, struct err *e);
