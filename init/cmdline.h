/* cmdline.h - what the kernel command line asks of init: the words that begin with `cuvette.`.
 * Pure. */
#pragma once

#include <stdbool.h>

enum cmdline_data { CMDLINE_DATA_AUTO, CMDLINE_DATA_RAM, CMDLINE_DATA_ERASE };

enum { CMDLINE_WORD_MAX = 96 };

struct cmdline {
	enum cmdline_data data;		/* cuvette.data=auto|ram|erase */
	bool console_shell;		/* cuvette.console=shell */
	char wrong[CMDLINE_WORD_MAX];	/* the first word of ours that has no meaning, else "" */
	const char *hint;		/* the nearest word that has one, or NULL */
};

/* Never fails: a wrong word is kept for a message, everything else keeps its default. */
void cmdline_parse(const char *text, struct cmdline *c);
