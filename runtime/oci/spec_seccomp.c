/* spec_seccomp.c - see spec_seccomp.h */
#include "oci/spec_seccomp.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec_names.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

enum {
	ERRNO_MAX = 4094,	/* libseccomp takes no more; 4095 is no errno */
	TRACE_MAX = 65535,	/* SECCOMP_RET_DATA */
	ARG_INDEX_MAX = 5,
};

static const char *const profile_keys[] = {
	"architectures", "defaultAction",    "defaultErrnoRet", "flags",
	"listenerPath",	 "listenerMetadata", "syscalls",	NULL,
};
static const char *const rule_keys[] = { "action", "args", "errnoRet", "names", NULL };
static const char *const arg_keys[] = { "index", "op", "value", "valueTwo", NULL };

static bool has_errno(enum oci_seccomp_action action)
{
	return action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_TRACE;
}

/* An action and its errno, which only two actions have. */
static int read_action(const struct spec_reader *r, const struct json *object,
		       const char *action_key, const char *errno_key,
		       enum oci_seccomp_action *action, uint32_t *errno_ret, struct err *e)
{
	struct json at = json_member(object, errno_key);
	int64_t number = 0, value = EPERM;
	int given;

	if (spec_word(r, object, action_key, spec_seccomp_actions, &number, e))
		return -1;
	*action = (enum oci_seccomp_action)number;
	given = spec_number(r, object, errno_key, 0,
			    *action == OCI_SECCOMP_TRACE ? TRACE_MAX : ERRNO_MAX, &value, e);
	if (given < 0)
		return -1;
	if (given && !has_errno(*action))
		return spec_bad(r, &at, e, "%s returns no errno: leave it out",
				spec_word_name(spec_seccomp_actions, number));
	*errno_ret = (uint32_t)value;
	return 0;
}

static int read_arg(const struct spec_reader *r, const struct json *item, void *out, struct err *e)
{
	struct oci_seccomp_arg *arg = out;
	struct json at = json_member(item, "index");
	uint32_t index = 0;
	int64_t op = 0;

	if (spec_keys(r, item, arg_keys, e) || spec_u32(r, item, "index", true, &index, e) ||
	    json_get_u64(item, "value", &arg->value, e) ||
	    json_opt_u64(item, "valueTwo", &arg->value_two, e) ||
	    spec_word(r, item, "op", spec_seccomp_ops, &op, e))
		return -1;
	if (index > ARG_INDEX_MAX)
		return spec_bad(r, &at, e, "must be from 0 to %d", ARG_INDEX_MAX);
	arg->index = index;
	arg->op = (enum oci_seccomp_op)op;
	return 0;
}

static int read_rule(const struct spec_reader *r, const struct json *item, void *out, struct err *e)
{
	struct oci_seccomp_rule *rule = out;
	void *args = NULL;

	if (spec_keys(r, item, rule_keys, e) || spec_strings(r, item, "names", &rule->names, e))
		return -1;
	if (!rule->names || !rule->names[0])
		return spec_bad(r, item, e, "names must not be empty");
	if (read_action(r, item, "action", "errnoRet", &rule->action, &rule->errno_ret, e) ||
	    spec_list(r, item, "args", sizeof(*rule->args), read_arg, &args, &rule->arg_count,
		      e) < 0)
		return -1;
	rule->args = args;
	return 0;
}

/* The machine's own architecture is always filtered, and calls of others cannot be made here: the
 * list needs to be right, and no more. */
static int check_architectures(const struct spec_reader *r, const struct json *object,
			       struct err *e)
{
	uint64_t none = 0;

	return spec_flags(r, object, "architectures", spec_seccomp_archs, &none, e) < 0 ? -1 : 0;
}

static int check_notify_rule(const struct spec_reader *r, const struct json *object,
			     const struct oci_seccomp *s, size_t index, struct err *e)
{
	const struct oci_seccomp_rule *rule = &s->rules[index];
	struct json list = json_member(object, "syscalls"), item = json_at(&list, index);

	if (!s->listener_path)
		return spec_bad(r, &item, e, "SCMP_ACT_NOTIFY needs a listenerPath");
	/* A start that fails says so under the filter; runc has the rule too. */
	for (size_t i = 0; rule->names[i]; i++)
		if (strcmp(rule->names[i], "write") == 0)
			return spec_bad(r, &item, e, "SCMP_ACT_NOTIFY cannot be used for write");
	return 0;
}

static int check_notify(const struct spec_reader *r, const struct json *object,
			const struct oci_seccomp *s, struct err *e)
{
	struct json path = json_member(object, "listenerPath"),
		    metadata = json_member(object, "listenerMetadata"),
		    action = json_member(object, "defaultAction");

	if (s->listener_path && s->listener_path[0] != '/')
		return spec_bad(r, &path, e, "must be an absolute path");
	if (s->listener_metadata && !s->listener_path)
		return spec_bad(r, &metadata, e, "needs a listenerPath");
	if (s->default_action == OCI_SECCOMP_NOTIFY)
		return spec_bad(r, &action, e, "SCMP_ACT_NOTIFY cannot be the default");
	for (size_t i = 0; i < s->rule_count; i++)
		if (s->rules[i].action == OCI_SECCOMP_NOTIFY &&
		    check_notify_rule(r, object, s, i, e))
			return -1;
	return 0;
}

int oci_seccomp_read(const struct spec_reader *r, const struct json *object, struct oci_seccomp *s,
		     struct err *e)
{
	uint64_t flags = 0;
	void *items = NULL;

	if (spec_keys(r, object, profile_keys, e) || check_architectures(r, object, e) ||
	    read_action(r, object, "defaultAction", "defaultErrnoRet", &s->default_action,
			&s->default_errno, e) ||
	    spec_flags(r, object, "flags", spec_seccomp_flags, &flags, e) < 0 ||
	    spec_string(r, object, "listenerPath", &s->listener_path, e) ||
	    spec_string(r, object, "listenerMetadata", &s->listener_metadata, e) ||
	    spec_list(r, object, "syscalls", sizeof(*s->rules), read_rule, &items, &s->rule_count,
		      e) < 0)
		return -1;
	if (s->listener_path && !*s->listener_path && r->bundle)
		s->listener_path = NULL;
	s->flags = (unsigned)flags;
	s->rules = items;
	return check_notify(r, object, s, e);
}

static void write_args(const struct oci_seccomp_rule *rule, struct json_writer *w)
{
	json_key(w, "args");
	json_begin_array(w);
	for (size_t i = 0; i < rule->arg_count; i++) {
		const struct oci_seccomp_arg *arg = &rule->args[i];

		json_begin_object(w);
		spec_put_u64(w, "index", arg->index);
		spec_put_str(w, "op", spec_word_name(spec_seccomp_ops, arg->op));
		spec_put_u64(w, "value", arg->value);
		spec_put_u64(w, "valueTwo", arg->value_two);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_rule(const struct oci_seccomp_rule *rule, struct json_writer *w)
{
	json_begin_object(w);
	spec_put_strings(w, "names", rule->names);
	spec_put_str(w, "action", spec_word_name(spec_seccomp_actions, rule->action));
	if (has_errno(rule->action))
		spec_put_u64(w, "errnoRet", rule->errno_ret);
	write_args(rule, w);
	json_end_object(w);
}

void oci_seccomp_write(const struct oci_seccomp *s, struct json_writer *w)
{
	json_begin_object(w);
	spec_put_str(w, "defaultAction", spec_word_name(spec_seccomp_actions, s->default_action));
	if (has_errno(s->default_action))
		spec_put_u64(w, "defaultErrnoRet", s->default_errno);
	if (s->flags)
		spec_put_flags(w, "flags", spec_seccomp_flags, s->flags);
	spec_put_str(w, "listenerPath", s->listener_path);
	spec_put_str(w, "listenerMetadata", s->listener_metadata);
	json_key(w, "syscalls");
	json_begin_array(w);
	for (size_t i = 0; i < s->rule_count; i++)
		write_rule(&s->rules[i], w);
	json_end_array(w);
	json_end_object(w);
}
