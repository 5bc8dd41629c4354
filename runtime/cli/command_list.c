/* command_list.c - box list: every container below ROOT, as a table in crun's form or as JSON. */
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/option.h"
#include "cli/roster.h"
#include "cli/target.h"
#include "cli/target_state.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/str.h"
#include "oci/spec.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct list_options, format), "FORMAT",
	  "table (default) or json" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct list_options, quiet), NULL, "only the ids" },
	{ 0 },
};

/* Opens it for a look. One that was deleted meanwhile or is damaged must not hide the others. */
static bool look_at(struct target *t, int root_fd, const char *id, struct arena *a)
{
	struct err e;

	if (target_open_at(t, root_fd, id, CONTAINER_LOCK_NONE, a, &e) == 0)
		return true;
	log_warn("%s", e.text);
	return false;
}

static void put_table(struct buf *out, const struct roster *r, int root_fd, struct arena *a)
{
	int width = 4;

	for (size_t i = 0; i < r->count; i++)
		if ((int)strlen(r->ids[i]) > width)
			width = (int)strlen(r->ids[i]);
	buf_add_format(out, "%-*s %-9s %-8s %-39s %-30s %s\n", width, "NAME", "PID", "STATUS",
		       "BUNDLE PATH", "CREATED", "OWNER");
	for (size_t i = 0; i < r->count; i++) {
		struct target t;

		if (!look_at(&t, root_fd, r->ids[i], a))
			continue;
		buf_add_format(out, "%-*s %-9d %-8s %-39s %-30s %s\n", width, t.dir.id,
			       t.status == TARGET_STOPPED ? 0 : t.process.pid,
			       target_status_name(t.status), t.has_facts ? t.facts.bundle : "",
			       t.has_facts ? t.facts.created : "",
			       t.has_facts ? t.facts.owner : "");
		target_close(&t);
	}
}

static void put_json(struct buf *out, const struct roster *r, int root_fd)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_array(&w);
	for (size_t i = 0; i < r->count; i++) {
		/* One arena each: thousands of configurations need not fit together. */
		struct arena *a = arena_create(OCI_SPEC_ARENA_BYTES);
		struct target t;
		struct err e;

		if (look_at(&t, root_fd, r->ids[i], a)) {
			if (target_state_write(&t, a, &w, &e))
				log_warn("%s", e.text);
			target_close(&t);
		}
		arena_destroy(a);
	}
	json_end_array(&w);
	buf_add_str(out, "\n");
}

static int run(const struct command_call *call, struct err *e)
{
	const struct list_options *o = call->options;
	const char *format = o->format ? o->format : "table";
	struct roster r;
	struct buf out;
	int root_fd, failed;

	if (!str_equal(format, "table") && !str_equal(format, "json"))
		return err_set(e, "box list: --format is table or json, not \"%.64s\"", format);
	root_fd = target_root_open(call, e);
	if (root_fd < 0 || roster_read(&r, root_fd, call->arena, e))
		return -1;
	buf_init(&out, COMMAND_ANSWER_MAX);
	if (o->quiet)
		for (size_t i = 0; i < r.count; i++)
			buf_add_format(&out, "%s\n", r.ids[i]);
	else if (str_equal(format, "json"))
		put_json(&out, &r, root_fd);
	else
		put_table(&out, &r, root_fd, call->arena);
	failed = command_answer(&out, e);
	buf_finish(&out);
	return failed;
}

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.summary = "lists the containers",
	.options = options,
	.options_bytes = sizeof(struct list_options),
	.run = run,
};
