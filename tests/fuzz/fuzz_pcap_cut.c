/* fuzz_pcap_cut.c - any bytes as a gateway's stream, in two pieces: never more is taken than is
 * there, whole packets alone, never more than the bound. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/pcap_cut.h"
#include "lib/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcap_cut c = { .bytes_max = 4096 };
	size_t part, taken = 0;
	struct err e;

	if (size < 1)
		return 0;
	part = data[0] < size ? data[0] : size - 1;
	data++;
	size--;
	for (size_t seen = part;; seen = size) {
		ptrdiff_t n = pcap_cut_take(&c, data + taken, seen - taken, &e);

		if (n < 0)
			return 0;
		if ((size_t)n > seen - taken || c.bytes > c.bytes_max)
			abort();
		taken += (size_t)n;
		if (c.bytes != taken || c.packets * 16 > taken)
			abort();
		if (seen == size)
			return 0;
	}
}
