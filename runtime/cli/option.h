/* option.h - a command line against a table of options, strictly: pure.
 *
 * `--name value`, `--name=value`, `-n value`, `-nvalue`, flags joined (`-td`), `--flag=false`; the
 * first word that is no option, or the one behind `--`, ends them. Values land in the command's own
 * struct, at the option's offset. An option that the table does not know is an error that names the
 * nearest one. Knows no command and no file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_TEXT,	/* const char *; the last one counts */
	OPTION_LIST,	/* const char **, NULL-terminated, in the arena */
	OPTION_COUNT,	/* uint64_t, whole and decimal */
	OPTION_NOTHING,	/* takes a value that makes no difference to us */
	OPTION_KINDS
};

struct option {
	const char *name;	/* without dashes; NULL ends a table */
	char letter;		/* 0 = none */
	enum option_kind kind;
	size_t offset;		/* of its value in the struct */
	const char *value;	/* what help calls the value; NULL for flags that take none */
	const char *help;
};

/* Fills *values (zeroed by the caller). Returns the index in argv of the first word that is no
 * option, -1 on an error. `who` stands in front of messages: `box exec`. --help, -h and crun's
 * --usage and -? are the caller's: *help is set and the rest is not read. */
int option_parse(const struct option *table, const char *who, char *const *argv, void *values,
		 struct arena *a, bool *help, struct err *e);

/* Lines for --help. */
void option_print(const struct option *table, struct buf *out);
