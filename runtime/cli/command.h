/* command.h - a verb of the command line: a file command_VERB.c and a row in commands.c.
 *
 * A command gets its options in its own struct and its arguments, counted already; it prints its
 * answer to stdout and returns the exit status, or with the sentence of an error the negative exit
 * status, -1 as a rule. Whatever it allocates lives in the call's arena: box ends right
 * afterwards. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;
struct globals;
struct option;

enum { COMMAND_ANSWER_MAX = 64 << 20 };	/* `list` of 100,000 containers */

struct command_call {
	const struct globals *globals;
	struct arena *arena;
	const void *options;
	char **arguments;	/* NULL-terminated */
};

struct command {
	const char *name;
	const char *arguments;	/* for usage: "ID [SIGNAL]" */
	const char *summary;
	const struct option *options;
	size_t options_bytes;	/* of its struct */
	int arguments_min, arguments_max;	/* -1 = any number */
	bool any_options;	/* none is read: the whole rest are arguments */
	int (*run)(const struct command_call *call, struct err *e);
};

/* NULL with a sentence that names the nearest one. */
const struct command *command_find(const char *name, struct err *e);
void command_print_help(const struct command *command, struct buf *out);	/* NULL = of box */

/* Options, then the number of arguments, then the command itself. argv[0] is the verb. */
int command_execute(const struct command *command, const struct globals *globals, struct arena *a,
		    char **argv, struct err *e);

/* Whole text to stdout, in one write(2) where that is possible. */
int command_answer(const struct buf *out, struct err *e);
