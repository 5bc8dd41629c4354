/* indent.c - see indent.h */
#include "cli/indent.h"

#include <stdbool.h>

#include "lib/buf.h"

static void new_line(struct buf *out, unsigned depth)
{
	buf_add(out, "\n", 1);
	while (depth-- > 0)
		buf_add(out, "  ", 2);
}

/* A string with its quotes; returns the character behind it. */
static const char *add_string(const char *at, struct buf *out)
{
	const char *end = at + 1;

	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	if (*end)
		end++;
	buf_add(out, at, (size_t)(end - at));
	return end;
}

void indent_json(const char *json, struct buf *out)
{
	unsigned depth = 0;
	const char *at = json;

	while (*at) {
		bool empty = at[0] && (at[1] == '}' || at[1] == ']');

		switch (*at) {
		case '"': at = add_string(at, out); continue;
		case '{':
		case '[':
			buf_add(out, at, empty ? 2 : 1);
			at += empty;
			if (!empty)
				new_line(out, ++depth);
			break;
		case '}':
		case ']':
			if (depth > 0)
				new_line(out, --depth);
			buf_add(out, at, 1);
			break;
		case ',':
			buf_add(out, at, 1);
			new_line(out, depth);
			break;
		case ':': buf_add(out, ": ", 2); break;
		case ' ':
		case '\n':
		case '\t': break;
		default: buf_add(out, at, 1);
		}
		at++;
	}
	buf_add(out, "\n", 1);
}
