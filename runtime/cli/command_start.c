/* command_start.c - box start ID: lets a created container run its program. */
#include <errno.h>
#include <fcntl.h>

#include "box/gate.h"
#include "box/hooks.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/target.h"
#include "cli/target_end.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "oci/spec.h"
#include "oci/state.h"

/* A container without a specification that can be read has no hooks. */
static int run_poststart(const struct target *t, struct arena *a, struct err *e)
{
	struct err why;
	const struct oci_spec *spec = target_spec(t, a, &why);
	AUTO_FD int cwd_fd = -1;

	if (!spec)
		log_warn("container %s: %s", t->dir.id, why.text);
	if (!spec || spec->hooks[OCI_HOOK_POSTSTART].count == 0)
		return 0;
	const struct oci_state state = {
		.id = t->dir.id,
		.status = "running",
		.pid = t->process.pid,
		.bundle = t->facts.bundle,
		.annotations = spec->annotations,
		.annotation_count = spec->annotation_count,
	};

	cwd_fd = open(t->facts.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return hooks_run(spec, OCI_HOOK_POSTSTART, &state, cwd_fd, e);
}

/* runtime.md "Lifecycle", step 9: the container does not outlive such a failure. Whoever removes
 * it meanwhile, and perhaps makes another of its name, has the lock. */
static void undo(const struct target *t, const struct command_call *call)
{
	struct target again;
	struct err e;
	int failed = target_kill(t, &e);

	if (!failed && target_open(&again, call, t->dir.id, CONTAINER_LOCK_WAIT, &e) == 0) {
		if (again.process.pid == t->process.pid &&
		    again.status == TARGET_STOPPED)
			failed = target_clear(&again, NULL, call->arena, &e);
		target_close(&again);
	}
	if (failed)
		log_warn("%s; box delete --force %s clears it away", e.text, t->dir.id);
}

static int run(const struct command_call *call, struct err *e)
{
	struct target t;
	int failed;

	if (target_open(&t, call, call->arguments[0], CONTAINER_LOCK_NONE, e))
		return -1;
	if (t.status != TARGET_CREATED) {
		err_set(e, "cannot start container %s: it is %s, and only a created one can be "
			   "started, once",
			t.dir.id, target_status_name(t.status));
		target_close(&t);
		return -1;
	}
	failed = gate_release(t.dir.fd, e);
	if (!failed && run_poststart(&t, call->arena, e)) {
		failed = -1;
		undo(&t, call);
	}
	if (failed)
		err_add(e, "start container %s", t.dir.id);
	target_close(&t);
	return failed;
}

const struct command command_start = {
	.name = "start",
	.arguments = "ID",
	.summary = "starts a created container",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
