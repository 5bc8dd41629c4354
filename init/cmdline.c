#include "init/cmdline.h"

#include <string.h>

#include "lib/str.h"

/* cuvette.lab belongs to engined; it is here so that it does not count as a typing error. */
static const char *const known[] = {
	"cuvette.console=shell",
	"cuvette.data=auto",
	"cuvette.data=erase",
	"cuvette.data=ram",
	"cuvette.lab=off",
	"cuvette.lab=on",
	NULL,
};

static void take_word(const char *word, struct cmdline *c)
{
	if (!str_starts(word, "cuvette."))
		return;
	if (str_equal(word, "cuvette.console=shell")) {
		c->console_shell = true;
	} else if (str_equal(word, "cuvette.data=auto")) {
		c->data = CMDLINE_DATA_AUTO;
	} else if (str_equal(word, "cuvette.data=ram")) {
		c->data = CMDLINE_DATA_RAM;
	} else if (str_equal(word, "cuvette.data=erase")) {
		c->data = CMDLINE_DATA_ERASE;
	} else if (!str_starts(word, "cuvette.lab=") && !c->wrong[0]) {
		str_copy(c->wrong, sizeof(c->wrong), word);
		c->hint = str_nearest(word, known);
	}
}

void cmdline_parse(const char *text, struct cmdline *c)
{
	*c = (struct cmdline){ .data = CMDLINE_DATA_AUTO };
	while (*text) {
		char word[CMDLINE_WORD_MAX];
		size_t size = 0;
		bool quoted = false;

		/* As the kernel splits it: blanks inside "..." do not end a word
		 * (dm-mod.create="root,,,ro,0 ..."). */
		for (; *text && (quoted || !strchr(" \t\n", *text)); text++) {
			if (*text == '"')
				quoted = !quoted;
			else if (size < sizeof(word) - 1)
				word[size++] = *text;
		}
		word[size] = '\0';
		take_word(word, c);
		text += *text != '\0';
	}
}
