#include "init/plain.h"

#include <stdbool.h>
#include <string.h>

#include "lib/utf8.h"

/* U+0080 to U+009F: the other form of ESC and a letter (ECMA-48 5.3). */
static bool is_control(const unsigned char *at, size_t size)
{
	if (size == 1)
		return (at[0] < 0x20 && at[0] != '\t' && at[0] != '\n') || at[0] == 0x7f;
	return size == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

void plain_make(char *text, size_t size_bytes)
{
	for (size_t i = 0, size; i < size_bytes; i += size) {
		size = utf8_size(text + i, size_bytes - i);
		if (size == 0)
			text[i] = '?', size = 1;
		else if (is_control((const unsigned char *)text + i, size))
			memset(text + i, '?', size);
	}
}
