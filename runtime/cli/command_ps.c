/* command_ps.c - box ps ID: the container's processes. A table of pids or JSON as crun prints them;
 * with options for ps(1) that program's lines about them, as runc does. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/option.h"
#include "cli/target.h"
#include "cli/target_end.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/json.h"
#include "lib/str.h"

enum { LINE_BYTES = 65536 };

struct ps_options {
	const char *format;
};

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct ps_options, format), "FORMAT",
	  "table (default) or json" },
	{ 0 },
};

static bool has_pid(const struct target_pids *pids, const char *word)
{
	uint64_t pid;

	if (!str_to_u64(word, &pid))
		return false;
	for (size_t i = 0; i < pids->count; i++)
		if ((uint64_t)pids->items[i] == pid)
			return true;
	return false;
}

/* Word number `index` of a line, cut out into `word`. */
static bool word_at(const char *line, size_t index, char *word, size_t size_bytes)
{
	const char *at = line + strspn(line, " \t");
	size_t length;

	while (index-- > 0) {
		at += strcspn(at, " \t\n");
		at += strspn(at, " \t");
	}
	length = strcspn(at, " \t\n");
	if (length == 0 || length >= size_bytes)
		return false;
	memcpy(word, at, length);
	word[length] = '\0';
	return true;
}

/* The lines of `ps` whose column PID names one of ours. */
static int filter(FILE *lines, const struct target_pids *pids, struct buf *out, struct err *e)
{
	char line[LINE_BYTES], word[32];
	size_t column = 0;

	if (!fgets(line, sizeof(line), lines))
		return err_set(e, "box ps: the program ps printed nothing");
	buf_add_str(out, line);
	while (word_at(line, column, word, sizeof(word)) && !str_equal(word, "PID"))
		column++;
	if (!str_equal(word, "PID"))
		return err_set(e, "box ps: the program ps printed no column PID: add it to the "
				  "options");
	while (fgets(line, sizeof(line), lines))
		if (word_at(line, column, word, sizeof(word)) && has_pid(pids, word))
			buf_add_str(out, line);
	return 0;
}

static int put_lines(char **words, const struct target_pids *pids, struct buf *out, struct err *e)
{
	struct buf command;
	FILE *lines;
	int failed;

	buf_init(&command, LINE_BYTES);
	buf_add_str(&command, "exec ps");
	for (; *words; words++) {
		buf_add_str(&command, " '");
		for (const char *c = *words; *c; c++)
			buf_add_str(&command, *c == '\'' ? "'\\''" : (const char[]){ *c, 0 });
		buf_add_str(&command, "'");
	}
	lines = popen(command.data, "re");
	buf_finish(&command);
	if (!lines)
		return err_sys(e, "box ps: run the program ps");
	failed = filter(lines, pids, out, e);
	pclose(lines);
	return failed;
}

static void put_table(const struct target_pids *pids, struct buf *out)
{
	buf_add_str(out, "PID\n");
	for (size_t i = 0; i < pids->count; i++)
		buf_add_format(out, "%d\n", pids->items[i]);
}

static void put_json(const struct target_pids *pids, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_array(&w);
	for (size_t i = 0; i < pids->count; i++)
		json_put_i64(&w, pids->items[i]);
	json_end_array(&w);
	buf_add_str(out, "\n");
}

static int run(const struct command_call *call, struct err *e)
{
	const struct ps_options *o = call->options;
	const char *format = o->format ? o->format : "table";
	struct target_pids pids;
	struct target t;
	struct buf out;
	int failed;

	if (!str_equal(format, "table") && !str_equal(format, "json"))
		return err_set(e, "box ps: --format is table or json, not \"%.64s\"", format);
	if (target_open(&t, call, call->arguments[0], CONTAINER_LOCK_NONE, e))
		return -1;
	failed = target_pids(&t, &pids, call->arena, e);
	target_close(&t);
	if (failed)
		return -1;
	buf_init(&out, COMMAND_ANSWER_MAX);
	if (str_equal(format, "json"))
		put_json(&pids, &out);
	else if (call->arguments[1])
		failed = put_lines(call->arguments + 1, &pids, &out, e);
	else
		put_table(&pids, &out);
	failed = failed ? -1 : command_answer(&out, e);
	buf_finish(&out);
	return failed;
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "ID [PS OPTION...]",
	.summary = "lists a container's processes",
	.options = options,
	.options_bytes = sizeof(struct ps_options),
	.arguments_min = 1,
	.arguments_max = -1,
	.run = run,
};
