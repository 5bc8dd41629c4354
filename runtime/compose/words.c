/* words.c - see words.h. */
#include "compose/words.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"

static const char blanks[] = " \t\r\n";

/* Copies one word from *text to out, unquoted; returns the place behind its NUL. */
static char *copy_word(const char **text, char *out, struct err *e)
{
	const char *at = *text;
	char quote = 0;

	for (; *at && (quote || !strchr(blanks, *at)); at++) {
		if (*at == quote) {
			quote = 0;
		} else if (!quote && (*at == '\'' || *at == '"')) {
			quote = *at;
		} else if (*at == '\\' && quote != '\'') {
			if (!*++at) {
				err_set(e, "a backslash at the end of the command line");
				return NULL;
			}
			if (quote == '"' && !strchr("\"\\$`", *at))
				*out++ = '\\';
			*out++ = *at;
		} else {
			*out++ = *at;
		}
	}
	if (quote) {
		err_set(e, "an open %c quote in the command line", quote);
		return NULL;
	}
	*out++ = '\0';
	*text = at;
	return out;
}

const char *const *words_split(const char *text, struct arena *arena, struct err *e)
{
	size_t size = strlen(text), count = 0;
	char *out = arena_alloc(arena,
				2 * size + 1); /* never longer than the text and a NUL per word */
	const char **words = arena_array(arena, size / 2 + 2, sizeof(*words));

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		words[count++] = out;
		out = copy_word(&text, out, e);
		if (!out)
			return NULL;
	}
	return words;
}
