/* command_checkpoint.c - box checkpoint, box restore: refused. */
#include "cli/command.h"
#include "cli/commands.h"
#include "lib/err.h"

static int run(const struct command_call *call, struct err *e)
{
	(void)call;
	return err_set(e, "checkpoint and restore are not possible: the kernel and box are built "
			  "without CRIU's support; stop and start the container instead");
}

/* Their options are not read: whatever they are, the answer is the same. */
const struct command command_checkpoint = {
	.name = "checkpoint",
	.arguments = "ID",
	.summary = "refused: not possible here",
	.any_options = true,
	.arguments_max = -1,
	.run = run,
};

const struct command command_restore = {
	.name = "restore",
	.arguments = "ID",
	.summary = "refused: not possible here",
	.any_options = true,
	.arguments_max = -1,
	.run = run,
};
