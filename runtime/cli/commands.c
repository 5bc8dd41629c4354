/* commands.c - the table of all verbs, see commands.h; and what they share, see command.h */
#include "cli/commands.h"

#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/globals.h"
#include "cli/option.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

const struct command *const commands[] = {
	&command_checkpoint,
	&command_create,
	&command_delete,
	&command_events,
	&command_exec,
	&command_features,
	&command_kill,
	&command_list,
	&command_pause,
	&command_plan,
	&command_ps,
	&command_restore,
	&command_resume,
	&command_run,
	&command_spec,
	&command_start,
	&command_state,
	&command_update,
	NULL,
};

const struct command *command_find(const char *name, struct err *e)
{
	const char *names[ARRAY_SIZE(commands)], *near;
	size_t count = 0;

	for (; commands[count]; count++) {
		if (str_equal(commands[count]->name, name))
			return commands[count];
		names[count] = commands[count]->name;
	}
	names[count] = NULL;
	near = str_nearest(name, names);
	if (near)
		err_set(e, "unknown command \"%.64s\"; did you mean %s?", name, near);
	else
		err_set(e, "unknown command \"%.64s\"; box help shows all", name);
	return NULL;
}

void command_print_help(const struct command *c, struct buf *out)
{
	if (c) {
		buf_add_format(out, "usage: box [GLOBAL OPTION...] %s [OPTION...] %s\n%s.\n",
			       c->name, c->arguments, c->summary);
		if (c->options && c->options->name)
			buf_add_str(out, "\n");
		if (c->options)
			option_print(c->options, out);
		return;
	}
	buf_add_str(out, "usage: box [GLOBAL OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n"
			 "Makes and watches containers by the OCI runtime specification.\n\n");
	for (size_t i = 0; commands[i]; i++)
		buf_add_format(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	buf_add_str(out, "\nbox COMMAND --help shows a command's options. Global options:\n\n");
	globals_print(out);
}

static int count_arguments(const struct command *c, char **arguments, struct err *e)
{
	int count = 0;

	while (arguments[count])
		count++;
	/* Behind the container's id an option would be an argument: only exec has such. */
	if (c->arguments_max >= 0 && count > c->arguments_max) {
		const char *extra = arguments[c->arguments_max];

		if (extra[0] == '-')
			return err_set(e, "box %s: %.64s must stand in front of the arguments: "
				       "box %s [OPTION...] %s", c->name, extra, c->name,
				       c->arguments);
		return err_set(e,
			       "box %s: \"%.64s\" is one argument too many: box %s [OPTION...] %s",
			       c->name, extra, c->name, c->arguments);
	}
	if (count < c->arguments_min)
		return err_set(e, "box %s: an argument is missing: box %s [OPTION...] %s", c->name,
			       c->name, c->arguments);
	return 0;
}

static int answer_help(const struct command *c, struct err *e)
{
	struct buf out;
	int failed;

	buf_init(&out, COMMAND_ANSWER_MAX);
	command_print_help(c, &out);
	failed = command_answer(&out, e);
	buf_finish(&out);
	return failed;
}

int command_execute(const struct command *c, const struct globals *globals, struct arena *a,
		    char **argv, struct err *e)
{
	static const struct option none[] = { { 0 } };
	struct command_call call = { .globals = globals, .arena = a };
	void *options = arena_alloc(a, c->options_bytes + 1);
	bool help = false;
	int at = 0;

	if (!c->any_options)
		at = option_parse(c->options ? c->options : none,
				  arena_format(a, "box %s", c->name), argv + 1, options, a, &help,
				  e);
	if (at < 0)
		return -1;
	if (help)
		return answer_help(c, e);
	call.options = options;
	call.arguments = argv + 1 + at;
	if (count_arguments(c, call.arguments, e))
		return -1;
	return c->run(&call, e);
}

int command_answer(const struct buf *out, struct err *e)
{
	if (out->overflow)
		return err_set(e, "the answer has more than %zu bytes", out->max_bytes);
	if (out->size_bytes > 0 && fd_write_all(STDOUT_FILENO, out->data, out->size_bytes, e))
		return err_add(e, "standard output");
	return 0;
}
