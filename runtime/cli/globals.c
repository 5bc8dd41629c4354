/* globals.c - see globals.h */
#include "cli/globals.h"

#include <stddef.h>

#include "cli/option.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

struct global_values {
	const char *root, *log, *log_format, *log_level, *cgroup_manager;
	bool debug, systemd_cgroup, version, version_short;
};

#define AT(member) offsetof(struct global_values, member)

static const struct option table[] = {
	{ "cgroup-manager", 0, OPTION_TEXT, AT(cgroup_manager), "MANAGER",
	  "cgroupfs (default), systemd or disabled" },
	{ "criu", 0, OPTION_NOTHING, 0, "FILE", "taken: box has no checkpoint" },
	{ "debug", 0, OPTION_FLAG, AT(debug), NULL, "as --log-level=debug" },
	{ "log", 0, OPTION_TEXT, AT(log), "FILE", "errors go there too, one line each" },
	{ "log-format", 0, OPTION_TEXT, AT(log_format), "FORMAT", "text (default) or json" },
	{ "log-level", 0, OPTION_TEXT, AT(log_level), "LEVEL",
	  "error, warning (default), info, "
	  "debug" },
	{ "root", 0, OPTION_TEXT, AT(root), "DIR",
	  "where containers are kept (/run/box-oci, $XDG_RUNTIME_DIR/box-oci)" },
	{ "rootless", 0, OPTION_NOTHING, 0, "true|false|auto",
	  "taken: box sees by itself who runs it" },
	{ "systemd-cgroup", 0, OPTION_FLAG, AT(systemd_cgroup), NULL,
	  "as --cgroup-manager=systemd" },
	{ "version", 'v', OPTION_FLAG, AT(version), NULL,
	  "shows the version and what is built in" },
	{ "version", 'V', OPTION_FLAG, AT(version_short), NULL, NULL },
	{ 0 },
};

static int take_log(struct globals *g, const struct global_values *v, struct err *e)
{
	const char *log = v->log;

	if (v->log_format && !str_equal(v->log_format, "json") && !str_equal(v->log_format, "text"))
		return err_set(e, "box: --log-format is text or json, not \"%.64s\"",
			       v->log_format);
	g->log_json = v->log_format && str_equal(v->log_format, "json");
	if (!log)
		return 0;
	if (str_starts(log, "journald:") || str_starts(log, "syslog:"))
		return err_set(e, "box: --log=%.64s: box writes to files only: --log=FILE", log);
	g->log = str_starts(log, "file:") ? log + 5 : log;
	if (!*g->log)
		return err_set(e, "box: --log needs the name of a file: --log=FILE");
	return 0;
}

static int take_level(const struct global_values *v, struct err *e)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "debug", LOG_LEVEL_DEBUG }, { "error", LOG_LEVEL_ERR },
		{ "fatal", LOG_LEVEL_ERR },   { "info", LOG_LEVEL_INFO },
		{ "panic", LOG_LEVEL_ERR },   { "trace", LOG_LEVEL_DEBUG },
		{ "warn", LOG_LEVEL_WARN },   { "warning", LOG_LEVEL_WARN },
	};
	const char *name = v->debug ? "debug" : v->log_level ? v->log_level : "warning";

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (!str_equal(levels[i].name, name))
			continue;
		log_init("box", levels[i].level);
		return 0;
	}
	return err_set(e, "box: --log-level is error, warning, info or debug, not \"%.64s\"", name);
}

static int take_cgroup_manager(struct globals *g, const struct global_values *v, struct err *e)
{
	const char *manager = v->cgroup_manager ? v->cgroup_manager : "cgroupfs";

	if (v->systemd_cgroup && v->cgroup_manager && !str_equal(manager, "systemd"))
		return err_set(e,
			       "box: --systemd-cgroup and --cgroup-manager=%.64s contradict each "
			       "other: leave one out",
			       manager);
	g->systemd = v->systemd_cgroup || str_equal(manager, "systemd");
	g->no_cgroup = str_equal(manager, "disabled");
	if (g->systemd || g->no_cgroup || str_equal(manager, "cgroupfs"))
		return 0;
	return err_set(e, "box: --cgroup-manager is cgroupfs, systemd or disabled, not \"%.64s\"",
		       manager);
}

int globals_parse(struct globals *g, struct arena *a, char **argv, struct err *e)
{
	struct global_values v = { 0 };
	struct err later;
	int at = option_parse(table, "box", argv, &v, a, &g->help, e);
	int log_failed = take_log(g, &v, &later);

	if (at < 0)
		return -1;
	g->version = v.version || v.version_short;
	g->root = v.root;
	if (log_failed) {
		if (e)
			*e = later;
		return -1;
	}
	if (take_level(&v, e) || take_cgroup_manager(g, &v, e))
		return -1;
	return at;
}

void globals_print(struct buf *out)
{
	option_print(table, out);
}
