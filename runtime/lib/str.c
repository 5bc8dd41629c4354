#include "lib/str.h"

#include <limits.h>
#include <string.h>

bool str_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t text_bytes = strlen(text), suffix_bytes = strlen(suffix);

	return suffix_bytes <= text_bytes &&
	       memcmp(text + text_bytes - suffix_bytes, suffix, suffix_bytes) == 0;
}

bool str_copy(char *target, size_t target_bytes, const char *source)
{
	size_t size_bytes = strlen(source) + 1;

	if (size_bytes > target_bytes) {
		if (target_bytes > 0)
			target[0] = '\0';
		return false;
	}
	memcpy(target, source, size_bytes);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits up to the first other byte; false without a digit or on overflow. */
static bool read_digits(const char **text, uint64_t *value)
{
	const char *at = *text;
	uint64_t sum = 0;

	if (!is_digit(*at))
		return false;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum))
			return false;
	*text = at;
	*value = sum;
	return true;
}

bool str_to_u64(const char *text, uint64_t *value)
{
	uint64_t sum;

	if (!read_digits(&text, &sum) || *text)
		return false;
	*value = sum;
	return true;
}

bool str_to_u32(const char *text, uint32_t *value)
{
	uint64_t wide;

	if (!str_to_u64(text, &wide) || wide > UINT32_MAX)
		return false;
	*value = (uint32_t)wide;
	return true;
}

bool str_to_i64(const char *text, int64_t *value)
{
	bool negative = text[0] == '-';
	uint64_t size;

	if (!str_to_u64(text + negative, &size) || size > (uint64_t)INT64_MAX + negative)
		return false;
	/* Unsigned, because -INT64_MIN does not exist. */
	*value = (int64_t)(negative ? 0 - size : size);
	return true;
}

/* `k`, `kb`, `kib` and so on, `b` or nothing, in either case; false for anything else. */
static bool read_unit(const char *text, unsigned *shift)
{
	static const char units[] = "kmgtp";
	const char *unit;

	*shift = 0;
	if (*text) {
		unit = strchr(units, *text | 0x20);
		if (unit) {
			*shift = 10 * (unsigned)(unit - units + 1);
			text++;
			if ((text[0] | 0x20) == 'i' && (text[1] | 0x20) == 'b')
				text++;
		}
	}
	if ((*text | 0x20) == 'b')
		text++;
	return *text == '\0';
}

bool str_to_bytes(const char *text, uint64_t *bytes)
{
	const char *point, *digit;
	uint64_t whole, part = 0;
	unsigned shift;

	if (!read_digits(&text, &whole))
		return false;
	point = text;
	if (*text == '.') {
		do
			text++;
		while (is_digit(*text));
		if (text - point < 2)
			return false;
	}
	if (!read_unit(text, &shift) || (shift == 0 && *point == '.'))
		return false;
	/* From the last digit to the first, so that the rounding happens once, downwards. */
	for (digit = text - 1; digit > point; digit--)
		part = (part + ((uint64_t)(*digit - '0') << shift)) / 10;
	if (whole > UINT64_MAX >> shift || __builtin_add_overflow(whole << shift, part, &whole))
		return false;
	*bytes = whole;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int str_split_words(char *text, char **words, int max)
{
	bool quoted = false, ended;
	char *put;
	int count = 0;

	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			return count;
		if (count == max)
			return -1;
		words[count++] = put = text;
		for (; *text && (quoted || !is_blank(*text)); text++) {
			if (*text == '"')
				quoted = !quoted;
			else
				*put++ = *text;
		}
		if (quoted)
			return -1;
		/* put may stand on the byte that ends the word: look before it is overwritten. */
		ended = *text == '\0';
		*put = '\0';
		if (ended)
			return count;
		text++;
	}
}

enum { NEAREST_BYTES_MAX = 64 }; /* longer names are no typing errors; bounds the rows */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Damerau-Levenshtein distance in the form where no part is edited twice (optimal string
 * alignment). */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	size_t rows[3][NEAREST_BYTES_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;
	size_t i, k;

	for (k = 0; k <= b_bytes; k++)
		last[k] = before[k] = k;
	for (i = 1; i <= a_bytes; i++) {
		row[0] = i;
		for (k = 1; k <= b_bytes; k++) {
			row[k] = min3(last[k] + 1, row[k - 1] + 1,
				      last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[k] = min3(row[k], before[k - 2] + 1, row[k]);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_bytes];
}

const char *str_nearest(const char *text, const char *const *names)
{
	size_t text_bytes = strlen(text), name_bytes, d, best = 2 + text_bytes / 4;
	const char *nearest = NULL;

	if (text_bytes > NEAREST_BYTES_MAX)
		return NULL;
	for (; *names; names++) {
		name_bytes = strlen(*names);
		if (name_bytes > NEAREST_BYTES_MAX)
			continue;
		d = distance(text, text_bytes, *names, name_bytes);
		if (d < best) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}

bool str_is_name(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char others[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t size_bytes = strspn(text, others);

	return size_bytes >= 1 && size_bytes <= 64 && text[size_bytes] == '\0' &&
	       strspn(text, letters) >= 1;
}
