/* command_plan.c - box plan [BUNDLE]: what would be done for a container, one fact a line. */
#include "cli/bundle.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/option.h"
#include "lib/buf.h"
#include "lib/err.h"

struct plan_options {
	const char *bundle, *config;
};

static const struct option options[] = {
	{ "bundle", 'b', OPTION_TEXT, offsetof(struct plan_options, bundle), "DIR",
	  "the bundle, as the argument" },
	{ "config", 'f', OPTION_TEXT, offsetof(struct plan_options, config), "FILE",
	  "in place of the bundle's config.json" },
	{ 0 },
};

static int run(const struct command_call *call, struct err *e)
{
	const struct plan_options *o = call->options;
	const char *path = call->arguments[0] ? call->arguments[0] : o->bundle;
	struct box_plan plan;
	struct bundle b;
	struct buf out;
	int failed;

	if (bundle_open(&b, path, o->config, call->arena, e))
		return -1;
	if (bundle_plan(&b, "ID", call->globals, false, &plan, call->arena, e)) {
		bundle_close(&b);
		return -1;
	}
	buf_init(&out, COMMAND_ANSWER_MAX);
	box_plan_print(&plan, &out);
	failed = command_answer(&out, e);
	buf_finish(&out);
	bundle_close(&b);
	return failed;
}

const struct command command_plan = {
	.name = "plan",
	.arguments = "[BUNDLE]",
	.summary = "shows what create would do, without doing it",
	.options = options,
	.options_bytes = sizeof(struct plan_options),
	.arguments_max = 1,
	.run = run,
};
