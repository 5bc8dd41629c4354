/* command_delete.c - box delete ID: what a container that has ended left behind, and one that was
 * never started: the specification has an error for that, but crun and runc end it and containerd
 * relies on them. With --force any container, also one that a crash left half made. */
#include <errno.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/option.h"
#include "cli/roster.h"
#include "cli/target.h"
#include "cli/target_end.h"
#include "lib/err.h"

struct delete_options {
	bool force, regex;
};

static const struct option options[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct delete_options, force), NULL,
	  "kills what still runs; fine when there is none" },
	{ "regex", 'r', OPTION_FLAG, offsetof(struct delete_options, regex), NULL,
	  "ID is a regular expression: each container that it finds" },
	{ 0 },
};

static int open_target(struct target *t, int root_fd, const char *id, bool force,
		       enum container_lock lock, struct arena *a, struct err *e)
{
	return force ? target_open_damaged(t, root_fd, id, lock, a, e) :
		       target_open_at(t, root_fd, id, lock, a, e);
}

static int refuse(const struct target *t, struct err *e)
{
	return err_set(e,
		       "cannot delete container %s that is not stopped: it is %s; kill it before "
		       "or use --force",
		       t->dir.id, target_status_name(t->status));
}

/* While somebody makes or removes it. Whoever makes it waits for its process and gives the lock
 * back when that has gone. */
static int open_busy(struct target *t, int root_fd, const char *id, bool force, struct arena *a,
		     struct err *e)
{
	int failed = 0;

	if (open_target(t, root_fd, id, force, CONTAINER_LOCK_NONE, a, e))
		return -1;
	if (!force && t->status != TARGET_STOPPED && t->status != TARGET_CREATED)
		failed = refuse(t, e);
	else if (t->pidfd >= 0)
		failed = target_kill(t, e);
	target_close(t);
	return failed ? -1 : open_target(t, root_fd, id, force, CONTAINER_LOCK_WAIT, a, e);
}

static int delete_one(int root_fd, const char *id, bool force, struct arena *a, struct err *e)
{
	struct target t;
	int failed;

	failed = open_target(&t, root_fd, id, force, CONTAINER_LOCK_TRY, a, e);
	if (failed && e->number == EWOULDBLOCK)
		failed = open_busy(&t, root_fd, id, force, a, e);
	if (failed)
		return force && e->number == ENOENT ? 0 : -1;
	if (t.status != TARGET_STOPPED && t.status != TARGET_CREATED && !force)
		failed = refuse(&t, e);
	else
		failed = target_kill(&t, e) || target_clear(&t, NULL, a, e) ? -1 : 0;
	target_close(&t);
	return failed;
}

/* `delete c --force`: before it is half done. Ids may begin with a dash, behind `--`. */
static int refuse_option(char *const *ids, struct err *e)
{
	for (size_t i = 1; ids[0][0] != '-' && ids[i]; i++)
		if (ids[i][0] == '-')
			return err_set(e, "box delete: %.64s must stand in front of the arguments: "
				       "box delete [OPTION...] ID...", ids[i]);
	return 0;
}

static int run(const struct command_call *call, struct err *e)
{
	const struct delete_options *o = call->options;
	int root_fd, failed = 0;
	char **ids = call->arguments;
	struct err later;
	struct roster r;

	if (refuse_option(ids, e))
		return -1;
	root_fd = target_root_open(call, e);
	if (root_fd < 0)
		return -1;
	if (o->regex) {
		if (roster_read(&r, root_fd, call->arena, e) || roster_select(&r, ids[0], e))
			return -1;
		ids = (char **)r.ids;
	}
	for (; *ids; ids++)
		if (delete_one(root_fd, *ids, o->force, call->arena, failed ? &later : e))
			failed = -1;
	return failed;
}

const struct command command_delete = {
	.name = "delete",
	.arguments = "ID...",
	.summary = "removes what is left of a container",
	.options = options,
	.options_bytes = sizeof(struct delete_options),
	.arguments_min = 1,
	.arguments_max = -1,
	.run = run,
};
