/* utf8.h - where one UTF-8 character ends (RFC 3629). A leaf: it includes nothing of ours. */
#pragma once

#include <stddef.h>

/* Bytes of the well-formed character at text, 1 to 4; 0 when there is none within left_bytes
 * (overlong forms, surrogates and anything above U+10FFFF are not well-formed). */
static inline size_t utf8_size(const char *text, size_t left_bytes)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t size, i;

	if (left_bytes == 0)
		return 0;
	if (at[0] < 0x80)
		return 1;
	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		size = 2;
	else if (at[0] >= 0xe0 && at[0] <= 0xef)
		size = 3;
	else if (at[0] >= 0xf0 && at[0] <= 0xf4)
		size = 4;
	else
		return 0;
	if (size > left_bytes)
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (i = 2; i < size; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return size;
}
