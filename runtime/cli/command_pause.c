/* command_pause.c - box pause ID, box resume ID: by cgroup.freeze. */
#include "box/cgroup.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/target.h"
#include "lib/err.h"
#include "lib/fd.h"

enum { FREEZE_WAIT_MS = 10000 };	/* a process in an uninterruptible wait freezes after it */

static int set_frozen(const struct command_call *call, bool frozen, struct err *e)
{
	AUTO_FD int fd = -1;
	struct target t;
	bool fits;

	if (target_open(&t, call, call->arguments[0], CONTAINER_LOCK_NONE, e))
		return -1;
	fits = frozen ? t.status == TARGET_RUNNING || t.status == TARGET_CREATED :
			t.status == TARGET_PAUSED;
	if (!fits)
		err_set(e, "container %s cannot be %s: it is %s", t.dir.id,
			frozen ? "paused" : "resumed", target_status_name(t.status));
	else
		fd = target_cgroup_open(&t, e);
	if (fd < 0 || cgroup_freeze(fd, frozen, FREEZE_WAIT_MS, e)) {
		target_close(&t);
		return -1;
	}
	target_close(&t);
	return 0;
}

static int run_pause(const struct command_call *call, struct err *e)
{
	return set_frozen(call, true, e);
}

static int run_resume(const struct command_call *call, struct err *e)
{
	return set_frozen(call, false, e);
}

const struct command command_pause = {
	.name = "pause",
	.arguments = "ID",
	.summary = "stops all processes of a container for a while",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run_pause,
};

const struct command command_resume = {
	.name = "resume",
	.arguments = "ID",
	.summary = "lets a paused container go on",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run_resume,
};
