/* command_state.c - box state ID: the container's state as JSON. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/indent.h"
#include "cli/target.h"
#include "cli/target_state.h"
#include "lib/buf.h"
#include "lib/json.h"

enum { STATE_BYTES_MAX = 2 << 20 };	/* the annotations of the largest config.json */

static int run(const struct command_call *call, struct err *e)
{
	struct json_writer w;
	struct buf json, out;
	struct target t;
	int failed;

	if (target_open(&t, call, call->arguments[0], CONTAINER_LOCK_NONE, e))
		return -1;
	buf_init(&json, STATE_BYTES_MAX);
	buf_init(&out, STATE_BYTES_MAX);
	json_writer_init(&w, &json);
	failed = target_state_write(&t, call->arena, &w, e);
	if (!failed) {
		indent_json(json.data, &out);
		failed = command_answer(&out, e);
	}
	buf_finish(&json);
	buf_finish(&out);
	target_close(&t);
	return failed;
}

const struct command command_state = {
	.name = "state",
	.arguments = "ID",
	.summary = "shows a container's state as JSON",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
