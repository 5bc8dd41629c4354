/* command_create.c - box create ID: a container that waits for its start. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/launch.h"
#include "cli/option.h"

static const struct option options[] = { LAUNCH_OPTIONS, { 0 } };

static int run(const struct command_call *call, struct err *e)
{
	struct launch_options o = *(const struct launch_options *)call->options;
	struct command_call detached = *call;
	struct launch l;

	o.detach = true;
	detached.options = &o;
	if (launch_make(&l, &detached, true, e))
		return -1;
	launch_close(&l);
	return 0;
}

const struct command command_create = {
	.name = "create",
	.arguments = "ID",
	.summary = "makes a container that waits for its start",
	.options = options,
	.options_bytes = sizeof(struct launch_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
