/* command_start.c - box start ID: lets a created container run its program. */
#include <errno.h>
#include <fcntl.h>

#include "box/gate.h"
#include "box/hooks.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/target.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "oci/spec.h"
#include "oci/state.h"

/* Failures are logged and the container runs on (runtime.md "Lifecycle", step 9). */
static void run_poststart(const struct target *t, struct arena *a)
{
	const struct oci_spec *spec;
	AUTO_FD int cwd_fd = -1;
	struct err e;

	spec = target_spec(t, a, &e);
	if (spec && spec->hooks[OCI_HOOK_POSTSTART].count > 0) {
		const struct oci_state state = {
			.id = t->dir.id,
			.status = "running",
			.pid = t->process.pid,
			.bundle = t->facts.bundle,
			.annotations = spec->annotations,
			.annotation_count = spec->annotation_count,
		};

		cwd_fd = open(t->facts.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (hooks_run(spec, OCI_HOOK_POSTSTART, &state, cwd_fd, &e) == 0)
			return;
	} else if (spec) {
		return;
	}
	log_warn("container %s: %s", t->dir.id, e.text);
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
	if (failed)
		err_add(e, "start container %s", t.dir.id);
	else
		run_poststart(&t, call->arena);
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
