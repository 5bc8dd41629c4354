/* routes.c - see routes.h. */
#include "engine/routes.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"

static const char *next_line(const char *text)
{
	text += strcspn(text, "\n");
	return text + (*text == '\n');
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask ...: words of the machine's byte order. */
size_t routes_read4(const char *text, struct subnet *subnets, size_t count)
{
	for (text = next_line(text); *text && count < ROUTES_MAX; text = next_line(text)) {
		uint32_t destination, mask;

		if (sscanf(text, "%*15s %8x %*8x %*x %*d %*d %*d %8x", &destination, &mask) != 2 ||
		    mask == 0)
			continue;
		subnets[count++] = (struct subnet){
			address_of_bytes(&destination, sizeof(destination)),
			(uint8_t)__builtin_popcount(mask),
		};
	}
	return count;
}

static bool read_bytes(const char *hex, uint8_t bytes[16])
{
	for (int i = 0; i < 16; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

/* Destination prefix-length source ...; device lo has what the kernel keeps for itself. */
size_t routes_read6(const char *text, struct subnet *subnets, size_t count)
{
	for (; *text && count < ROUTES_MAX; text = next_line(text)) {
		unsigned prefix;
		char hex[33];
		uint8_t bytes[16];

		if (sscanf(text, "%32[0-9a-f] %2x", hex, &prefix) != 2 || strlen(hex) != 32 ||
		    prefix == 0 || prefix > 128 || !read_bytes(hex, bytes))
			continue;
		subnets[count++] = (struct subnet){ address_of_bytes(bytes, sizeof(bytes)),
						    (uint8_t)prefix };
	}
	return count;
}
