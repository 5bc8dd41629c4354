/* spec_process.c - the object `process` of config.json: its command, terminal and limits; who it is
 * and when it runs stand in spec_user.c and spec_schedule.c. */
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const process_keys[] = {
	"apparmorProfile", "args",     "capabilities", "consoleSize",  "cwd",	  "env",
	"execCPUAffinity", "ioPriority", "noNewPrivileges", "oomScoreAdj", "rlimits", "scheduler",
	"selinuxLabel",	   "terminal", "user",	       NULL,
};
static const char *const rlimit_keys[] = { "hard", "soft", "type", NULL };
static const char *const console_keys[] = { "height", "width", NULL };

static int read_rlimit(const struct spec_reader *r, const struct json *item, struct oci_process *p,
		       struct err *e)
{
	struct oci_rlimit *limit = &p->rlimits[p->rlimit_count];
	const char *type;

	if (spec_keys(r, item, rlimit_keys, e) || json_get_str(item, "type", &type, e) ||
	    json_get_u64(item, "soft", &limit->soft, e) ||
	    json_get_u64(item, "hard", &limit->hard, e))
		return -1;
	if (!oci_rlimit_number(type, &limit->resource))
		return spec_bad(r, item, e, "no resource limit is called \"%s\"", type);
	for (size_t i = 0; i < p->rlimit_count; i++)
		if (p->rlimits[i].resource == limit->resource)
			return spec_bad(r, item, e, "%s is given twice", type);
	if (limit->soft > limit->hard)
		return spec_bad(r, item, e, "soft is above hard");
	p->rlimit_count++;
	return 0;
}

static int read_rlimits(const struct spec_reader *r, const struct json *process,
			struct oci_process *p, struct err *e)
{
	struct json array;
	int found = spec_array(r, process, "rlimits", &array, e);

	if (found <= 0)
		return found;
	for (size_t i = 0; i < json_count(&array); i++) {
		struct json item = json_at(&array, i);

		/* A duplicate is refused before the table can overflow: there are OCI_RLIMITS
		 * names. */
		if (p->rlimit_count == OCI_RLIMITS)
			return spec_bad(r, &item, e, "a limit is given twice");
		if (read_rlimit(r, &item, p, e))
			return -1;
	}
	return 0;
}

static int read_env(const struct spec_reader *r, const struct json *process, struct oci_process *p,
		    struct err *e)
{
	struct json array = json_member(process, "env");

	if (spec_strings(r, process, "env", &p->env, e))
		return -1;
	for (size_t i = 0; p->env && p->env[i]; i++) {
		if (strchr(p->env[i], '=') && p->env[i][0] != '=')
			continue;
		struct json item = json_at(&array, i);

		return spec_bad(r, &item, e, "must be NAME=VALUE");
	}
	return 0;
}

static int read_command(const struct spec_reader *r, const struct json *process,
			struct oci_process *p, struct err *e)
{
	if (spec_strings(r, process, "args", &p->args, e) || read_env(r, process, p, e) ||
	    spec_string(r, process, "cwd", &p->cwd, e))
		return -1;
	if (!p->args || !p->args[0])
		return spec_bad(r, process, e, "args must name a program");
	if (!p->cwd || p->cwd[0] != '/')
		return spec_bad(r, process, e, "cwd must be an absolute path");
	return 0;
}

static int read_terminal(const struct spec_reader *r, const struct json *process,
			 struct oci_process *p, struct err *e)
{
	struct json object;
	int64_t rows = 0, columns = 0;
	int found;

	if (json_opt_bool(process, "terminal", &p->terminal, e))
		return -1;
	found = spec_object(r, process, "consoleSize", &object, e);
	/* Without a terminal the size must be ignored (config.md "Process"). */
	if (found <= 0 || !p->terminal)
		return found < 0 ? -1 : 0;
	if (spec_keys(r, &object, console_keys, e) ||
	    spec_number(r, &object, "height", 0, UINT16_MAX, &rows, e) < 0 ||
	    spec_number(r, &object, "width", 0, UINT16_MAX, &columns, e) < 0)
		return -1;
	p->console_rows = (uint16_t)rows;
	p->console_columns = (uint16_t)columns;
	return 0;
}

static int read_labels(const struct spec_reader *r, const struct json *process,
		       struct oci_process *p, struct err *e)
{
	if (spec_string(r, process, "apparmorProfile", &p->apparmor_profile, e))
		return -1;
	return spec_no_label(r, process, "selinuxLabel", e);
}

int spec_process_read(const struct spec_reader *r, const struct json *object, struct oci_process *p,
		      struct err *e)
{
	int64_t score = 0;
	int given;

	if (spec_keys(r, object, process_keys, e) || read_command(r, object, p, e) ||
	    spec_user_read(r, object, p, e) || read_rlimits(r, object, p, e) ||
	    read_terminal(r, object, p, e) ||
	    json_opt_bool(object, "noNewPrivileges", &p->no_new_privs, e) ||
	    spec_schedule_read(r, object, p, e) || read_labels(r, object, p, e))
		return -1;
	given = spec_number(r, object, "oomScoreAdj", -1000, 1000, &score, e);
	if (given < 0)
		return -1;
	p->has_oom_score_adj = given;
	p->oom_score_adj = (int)score;
	return 0;
}

static void write_limits(const struct oci_process *p, struct json_writer *w)
{
	json_key(w, "rlimits");
	json_begin_array(w);
	for (size_t i = 0; i < p->rlimit_count; i++) {
		json_begin_object(w);
		spec_put_str(w, "type", oci_rlimit_name(p->rlimits[i].resource));
		spec_put_u64(w, "soft", p->rlimits[i].soft);
		spec_put_u64(w, "hard", p->rlimits[i].hard);
		json_end_object(w);
	}
	json_end_array(w);
	if (p->has_oom_score_adj)
		spec_put_i64(w, "oomScoreAdj", p->oom_score_adj);
}

static void write_terminal(const struct oci_process *p, struct json_writer *w)
{
	spec_put_bool(w, "terminal", p->terminal);
	if (!p->terminal || (!p->console_rows && !p->console_columns))
		return;
	json_key(w, "consoleSize");
	json_begin_object(w);
	spec_put_u64(w, "height", p->console_rows);
	spec_put_u64(w, "width", p->console_columns);
	json_end_object(w);
}

void spec_process_write(const struct oci_process *p, struct json_writer *w)
{
	json_begin_object(w);
	write_terminal(p, w);
	spec_put_strings(w, "args", p->args);
	spec_put_strings(w, "env", p->env);
	spec_put_str(w, "cwd", p->cwd);
	spec_user_write(p, w);
	write_limits(p, w);
	spec_put_bool(w, "noNewPrivileges", p->no_new_privs);
	spec_schedule_write(p, w);
	spec_put_str(w, "apparmorProfile", p->apparmor_profile);
	json_end_object(w);
}
