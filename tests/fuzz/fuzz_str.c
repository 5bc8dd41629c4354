/* fuzz_str.c - any text through every strict reader of lib/str.h, against the C library where it
 * has one. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/str.h"
#include "lib/utf8.h"

enum { TEXT_MAX = 4096, WORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void numbers(const char *text)
{
	const char *digits = text + (text[0] == '-');
	bool plain = *digits && digits[strspn(digits, "0123456789")] == '\0';
	unsigned long long wide;
	uint64_t u64, bytes;
	uint32_t u32;
	int64_t i64;
	bool fits;

	errno = 0;
	wide = strtoull(text, NULL, 10);
	fits = plain && digits == text && errno == 0;
	if (str_to_u64(text, &u64) != fits || (fits && u64 != wide))
		abort();
	if (str_to_u32(text, &u32) != (fits && wide <= UINT32_MAX) ||
	    (fits && wide <= UINT32_MAX && u32 != wide))
		abort();
	errno = 0;
	wide = (unsigned long long)strtoll(text, NULL, 10);
	fits = plain && errno == 0;
	if (str_to_i64(text, &i64) != fits || (fits && (unsigned long long)i64 != wide))
		abort();
	/* A plain number of bytes is a number. */
	if (str_to_u64(text, &u64) && (!str_to_bytes(text, &bytes) || bytes != u64))
		abort();
	str_to_bytes(text, &bytes);
}

static void words(const char *text)
{
	char copy[TEXT_MAX + 1], *found[WORDS_MAX];
	size_t bytes = 0;
	int count, i;

	strcpy(copy, text);
	count = str_split_words(copy, found, WORDS_MAX);
	if (count < -1 || count > WORDS_MAX)
		abort();
	for (i = 0; i < count; i++) {
		if (found[i] < copy || strchr(found[i], '"'))
			abort();
		bytes += strlen(found[i]);
	}
	if (bytes > strlen(text))
		abort();
}

static void utf8(const char *text)
{
	size_t left = strlen(text), step;

	for (; left > 0; text += step, left -= step) {
		step = utf8_size(text, left);
		if (step > 4 || step > left)
			abort();
		if (step == 0)
			step = 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "exec", "after", "shutdown-signal", "", NULL };
	char text[TEXT_MAX + 1], small[16];
	const char *near;

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	numbers(text);
	words(text);
	utf8(text);
	near = str_nearest(text, names);
	if (near && strlen(near) > strlen(text) + 1 + strlen(text) / 4)
		abort();
	if (str_is_name(text) && (strchr(text, '/') || text[0] == '.' || strlen(text) > 64))
		abort();
	if (str_copy(small, sizeof(small), text) != (strlen(text) < sizeof(small)))
		abort();
	return 0;
}
