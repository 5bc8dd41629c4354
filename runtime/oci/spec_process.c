/* spec_process.c - the object `process` of config.json: read and write. */
#include "oci/spec_process.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_read.h"

static const char *const process_keys[] = {
	"args",	       "capabilities", "cwd",	   "env",  "noNewPrivileges",
	"oomScoreAdj", "rlimits",      "terminal", "user", NULL,
};
static const char *const user_keys[] = { "additionalGids", "gid", "uid", "umask", NULL };
static const char *const rlimit_keys[] = { "hard", "soft", "type", NULL };
static const char *const cap_keys[] = { "ambient",     "bounding",  "effective",
					"inheritable", "permitted", NULL };

static int read_user(const struct spec_reader *r, const struct json *process, struct oci_user *user,
		     struct err *e)
{
	struct json object, groups;
	uint32_t umask = UINT32_MAX;
	int found = spec_object(r, process, "user", &object, e);

	if (found < 0)
		return -1;
	user->umask = -1;
	if (!found)
		return 0;
	if (json_only_keys(&object, user_keys, e) ||
	    spec_u32(r, &object, "uid", true, &user->uid, e) ||
	    spec_u32(r, &object, "gid", true, &user->gid, e) ||
	    spec_u32(r, &object, "umask", false, &umask, e))
		return -1;
	if (user->uid == UINT32_MAX || user->gid == UINT32_MAX)
		return spec_bad(r, &object, e, "4294967295 is no user or group id");
	if (umask != UINT32_MAX) {
		if (umask > 0777)
			return spec_bad(r, &object, e, "umask must be at most 511 (octal 777)");
		user->umask = (int)umask;
	}
	found = spec_array(r, &object, "additionalGids", &groups, e);
	if (found <= 0)
		return found;
	user->group_count = json_count(&groups);
	user->groups = arena_array(r->arena, user->group_count + 1, sizeof(*user->groups));
	for (size_t i = 0; i < user->group_count; i++) {
		struct json item = json_at(&groups, i);
		uint64_t gid;

		if (json_as_u64(&item, &gid, e))
			return -1;
		if (gid >= UINT32_MAX)
			return spec_bad(r, &item, e, "no group id");
		user->groups[i] = (uint32_t)gid;
	}
	return 0;
}

static int read_cap_set(const struct spec_reader *r, const struct json *caps, const char *key,
			uint64_t *mask, struct err *e)
{
	const char **names = NULL;

	if (spec_strings(r, caps, key, &names, e))
		return -1;
	for (size_t i = 0; names && names[i]; i++) {
		struct json array = json_member(caps, key), item = json_at(&array, i);
		unsigned number;

		if (!oci_cap_number(names[i], &number))
			return spec_bad(r, &item, e, "no capability is called \"%s\"", names[i]);
		*mask |= 1ull << number;
	}
	return 0;
}

static int read_caps(const struct spec_reader *r, const struct json *process, struct oci_caps *caps,
		     struct err *e)
{
	struct json object;
	int found = spec_object(r, process, "capabilities", &object, e);

	if (found <= 0)
		return found;
	if (json_only_keys(&object, cap_keys, e) ||
	    read_cap_set(r, &object, "bounding", &caps->bounding, e) ||
	    read_cap_set(r, &object, "effective", &caps->effective, e) ||
	    read_cap_set(r, &object, "permitted", &caps->permitted, e) ||
	    read_cap_set(r, &object, "inheritable", &caps->inheritable, e) ||
	    read_cap_set(r, &object, "ambient", &caps->ambient, e))
		return -1;
	/* capabilities(7): the kernel refuses these late and without saying which. */
	if (caps->effective & ~caps->permitted)
		return spec_bad(r, &object, e, "effective must be a subset of permitted");
	if (caps->ambient & ~(caps->permitted & caps->inheritable))
		return spec_bad(r, &object, e,
				"ambient must be a subset of permitted and of inheritable");
	return 0;
}

static int read_rlimit(const struct spec_reader *r, const struct json *item, struct oci_process *p,
		       struct err *e)
{
	struct oci_rlimit *limit = &p->rlimits[p->rlimit_count];
	const char *type;

	if (json_only_keys(item, rlimit_keys, e) || json_get_str(item, "type", &type, e) ||
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
		if (json_kind(&item) != JSON_OBJECT)
			return spec_bad(r, &item, e, "must be an object");
		if (p->rlimit_count == OCI_RLIMITS)
			return spec_bad(r, &item, e, "a limit is given twice");
		if (read_rlimit(r, &item, p, e))
			return -1;
	}
	return 0;
}

static int read_command(const struct spec_reader *r, const struct json *process,
			struct oci_process *p, struct err *e)
{
	struct json array;

	if (spec_strings(r, process, "args", &p->args, e) ||
	    spec_strings(r, process, "env", &p->env, e) ||
	    spec_string(r, process, "cwd", &p->cwd, e))
		return -1;
	if (!p->args || !p->args[0])
		return spec_bad(r, process, e, "args must name a program");
	if (!p->cwd || p->cwd[0] != '/')
		return spec_bad(r, process, e, "cwd must be an absolute path");
	array = json_member(process, "env");
	for (size_t i = 0; p->env && p->env[i]; i++) {
		struct json item = json_at(&array, i);

		if (!strchr(p->env[i], '=') || p->env[i][0] == '=')
			return spec_bad(r, &item, e, "must be NAME=VALUE");
	}
	return 0;
}

int spec_process_read(const struct spec_reader *r, const struct json *root, struct oci_process *p,
		      struct err *e)
{
	struct json object, item;
	bool terminal = false;
	int64_t score = 0;
	int found = spec_object(r, root, "process", &object, e);

	if (found < 0)
		return -1;
	if (!found)
		return spec_bad(r, root, e, "process is missing");
	if (json_only_keys(&object, process_keys, e) || read_command(r, &object, p, e) ||
	    read_user(r, &object, &p->user, e) || read_caps(r, &object, &p->caps, e) ||
	    read_rlimits(r, &object, p, e) || json_opt_bool(&object, "terminal", &terminal, e) ||
	    json_opt_bool(&object, "noNewPrivileges", &p->no_new_privs, e) ||
	    json_opt_i64(&object, "oomScoreAdj", &score, e))
		return -1;
	item = json_member(&object, "terminal");
	if (terminal)
		return spec_bad(r, &item, e, "terminals are not supported yet, set it to false");
	item = json_member(&object, "oomScoreAdj");
	p->has_oom_score_adj = json_kind(&item) == JSON_INTEGER;
	if (score < -1000 || score > 1000)
		return spec_bad(r, &item, e, "must be from -1000 to 1000");
	p->oom_score_adj = (int)score;
	return 0;
}

static void put_caps(struct json_writer *w, const char *key, uint64_t mask)
{
	json_key(w, key);
	json_begin_array(w);
	for (unsigned i = 0; i < OCI_CAPS; i++)
		if (mask & 1ull << i)
			json_put_str(w, oci_cap_name(i));
	json_end_array(w);
}

static void write_user(const struct oci_user *user, struct json_writer *w)
{
	json_key(w, "user");
	json_begin_object(w);
	json_key(w, "uid");
	json_put_u64(w, user->uid);
	json_key(w, "gid");
	json_put_u64(w, user->gid);
	if (user->umask >= 0) {
		json_key(w, "umask");
		json_put_u64(w, (uint64_t)user->umask);
	}
	if (user->group_count) {
		json_key(w, "additionalGids");
		json_begin_array(w);
		for (size_t i = 0; i < user->group_count; i++)
			json_put_u64(w, user->groups[i]);
		json_end_array(w);
	}
	json_end_object(w);
}

static void write_limits(const struct oci_process *p, struct json_writer *w)
{
	json_key(w, "rlimits");
	json_begin_array(w);
	for (size_t i = 0; i < p->rlimit_count; i++) {
		json_begin_object(w);
		json_key(w, "type");
		json_put_str(w, oci_rlimit_name(p->rlimits[i].resource));
		json_key(w, "soft");
		json_put_u64(w, p->rlimits[i].soft);
		json_key(w, "hard");
		json_put_u64(w, p->rlimits[i].hard);
		json_end_object(w);
	}
	json_end_array(w);
	if (p->has_oom_score_adj) {
		json_key(w, "oomScoreAdj");
		json_put_i64(w, p->oom_score_adj);
	}
}

void spec_process_write(const struct oci_process *p, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "terminal");
	json_put_bool(w, false);
	write_user(&p->user, w);
	spec_put_strings(w, "args", p->args);
	spec_put_strings(w, "env", p->env);
	json_key(w, "cwd");
	json_put_str(w, p->cwd);
	json_key(w, "capabilities");
	json_begin_object(w);
	put_caps(w, "bounding", p->caps.bounding);
	put_caps(w, "effective", p->caps.effective);
	put_caps(w, "permitted", p->caps.permitted);
	put_caps(w, "inheritable", p->caps.inheritable);
	put_caps(w, "ambient", p->caps.ambient);
	json_end_object(w);
	write_limits(p, w);
	json_key(w, "noNewPrivileges");
	json_put_bool(w, p->no_new_privs);
	json_end_object(w);
}

void spec_put_strings(struct json_writer *w, const char *key, const char *const *list)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; list && list[i]; i++)
		json_put_str(w, list[i]);
	json_end_array(w);
}
