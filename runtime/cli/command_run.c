/* command_run.c - box run ID: create and start in one; stays in front of the container until it has
 * ended and deletes it then, unless it shall go on in the background. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/foreground.h"
#include "cli/launch.h"
#include "cli/option.h"
#include "lib/err.h"
#include "lib/log.h"

static const struct option options[] = {
	LAUNCH_OPTIONS,
	{ "detach", 'd', OPTION_FLAG, LAUNCH_AT(detach), NULL, "in the background" },
	{ "keep", 0, OPTION_FLAG, LAUNCH_AT(keep), NULL, "what is left stays until box delete" },
	{ 0 },
};

static int run(const struct command_call *call, struct err *e)
{
	struct launch l;
	struct err why;
	int status;

	if (launch_make(&l, call, false, e))
		return -1;
	if (launch_release(&l, e))
		return -1;
	if (l.options->detach) {
		launch_close(&l);
		return 0;
	}
	status = foreground_wait(l.stage.pid, l.stage.pidfd, l.stage.console_fd, e);
	if (!l.options->keep && launch_clear(&l, &why)) {
		log_warn("%s", why.text);
		status = status == 0 ? 1 : status;
	}
	return status;	/* box ends with it, and its descriptors with box */
}

const struct command command_run = {
	.name = "run",
	.arguments = "ID",
	.summary = "makes and starts a container",
	.options = options,
	.options_bytes = sizeof(struct launch_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
