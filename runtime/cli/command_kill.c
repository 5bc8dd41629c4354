/* command_kill.c - box kill ID [SIGNAL]: to the first process, or to all of them. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/option.h"
#include "cli/roster.h"
#include "cli/target.h"
#include "cli/target_end.h"
#include "lib/err.h"
#include "oci/signal.h"

struct kill_options {
	bool all, regex;
};

static const struct option options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct kill_options, all), NULL,
	  "to every process of the container" },
	{ "regex", 'r', OPTION_FLAG, offsetof(struct kill_options, regex), NULL,
	  "ID is a regular expression: to each container that it finds" },
	{ 0 },
};

static int kill_one(const struct command_call *call, int root_fd, const char *id, int signal,
		    struct err *e)
{
	const struct kill_options *o = call->options;
	struct target t;
	int failed;

	if (target_open_at(&t, root_fd, id, CONTAINER_LOCK_NONE, call->arena, e))
		return -1;
	/* Processes that outlive the first one are reached through the cgroup alone. */
	if (o->all && (t.facts.cgroup || t.pidfd >= 0))
		failed = target_signal_all(&t, signal, call->arena, e);
	else
		failed = target_signal(&t, signal, e);
	target_close(&t);
	return failed;
}

static int run(const struct command_call *call, struct err *e)
{
	const struct kill_options *o = call->options;
	const char *word = call->arguments[1] ? call->arguments[1] : "TERM";
	int root_fd, signal, failed = 0;
	struct roster r;

	if (signal_parse(word, &signal, e))
		return err_add(e, "box kill");
	root_fd = target_root_open(call, e);
	if (root_fd < 0)
		return -1;
	if (!o->regex)
		return kill_one(call, root_fd, call->arguments[0], signal, e);
	if (roster_read(&r, root_fd, call->arena, e) || roster_select(&r, call->arguments[0], e))
		return -1;
	for (size_t i = 0; i < r.count; i++)
		if (kill_one(call, root_fd, r.ids[i], signal, e))
			failed = -1;
	return failed;
}

const struct command command_kill = {
	.name = "kill",
	.arguments = "ID [SIGNAL]",
	.summary = "sends a signal to a container (TERM)",
	.options = options,
	.options_bytes = sizeof(struct kill_options),
	.arguments_min = 1,
	.arguments_max = 2,
	.run = run,
};
