/* tail.c - see tail.h */
#include "box/tail.h"

#include <string.h>

enum { KEPT_MAX = TAIL_BYTES - 1 };

void tail_put(struct tail *t, const char *text, size_t size_bytes)
{
	size_t extra;

	if (size_bytes > KEPT_MAX) {
		text += size_bytes - KEPT_MAX;
		size_bytes = KEPT_MAX;
	}
	if (t->size_bytes + size_bytes > KEPT_MAX) {
		extra = t->size_bytes + size_bytes - KEPT_MAX;
		t->size_bytes -= extra;
		memmove(t->text, t->text + extra, t->size_bytes);
	}
	for (size_t i = 0; i < size_bytes; i++)
		t->text[t->size_bytes++] = text[i] ? text[i] : '?';
}

/* What is full has most likely lost the start of its first line. */
static const char *first_whole(const struct tail *t)
{
	const char *next = t->size_bytes < KEPT_MAX ? NULL : strchr(t->text, '\n');
	const char *start = t->text;

	if (next)
		return next + 1;
	if (t->size_bytes == KEPT_MAX)
		while (((unsigned char)*start & 0xc0) == 0x80) /* the rest of a UTF-8 sequence */
			start++;
	return start;
}

const char *tail_text(struct tail *t)
{
	const char *start, *at;
	int lines = 0;

	while (t->size_bytes && t->text[t->size_bytes - 1] == '\n')
		t->size_bytes--;
	t->text[t->size_bytes] = '\0';
	start = first_whole(t);
	for (at = t->text + t->size_bytes; at > start; at--)
		if (at[-1] == '\n' && ++lines == TAIL_LINES)
			return at;
	return start;
}
