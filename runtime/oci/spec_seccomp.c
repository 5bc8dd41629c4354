/* spec_seccomp.c - see spec_seccomp.h */
#include "oci/spec_seccomp.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec_process.h"
#include "oci/spec_read.h"

static const char *const actions[] = {
	[OCI_SECCOMP_ALLOW] = "SCMP_ACT_ALLOW",
	[OCI_SECCOMP_ERRNO] = "SCMP_ACT_ERRNO",
	[OCI_SECCOMP_KILL_PROCESS] = "SCMP_ACT_KILL_PROCESS",
	[OCI_SECCOMP_KILL_THREAD] = "SCMP_ACT_KILL_THREAD",
	[OCI_SECCOMP_LOG] = "SCMP_ACT_LOG",
	[OCI_SECCOMP_NOTIFY] = "SCMP_ACT_NOTIFY",
	[OCI_SECCOMP_TRACE] = "SCMP_ACT_TRACE",
	[OCI_SECCOMP_TRAP] = "SCMP_ACT_TRAP",
};
static const char *const ops[] = {
	[OCI_SECCOMP_NE] = "SCMP_CMP_NE",
	[OCI_SECCOMP_LT] = "SCMP_CMP_LT",
	[OCI_SECCOMP_LE] = "SCMP_CMP_LE",
	[OCI_SECCOMP_EQ] = "SCMP_CMP_EQ",
	[OCI_SECCOMP_GE] = "SCMP_CMP_GE",
	[OCI_SECCOMP_GT] = "SCMP_CMP_GT",
	[OCI_SECCOMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};
_Static_assert(sizeof(actions) / sizeof(actions[0]) == OCI_SECCOMP_ACTIONS, "one name per action");
_Static_assert(sizeof(ops) / sizeof(ops[0]) == OCI_SECCOMP_OPS, "one name per operator");

static const char *const profile_keys[] = { "architectures", "defaultAction", "defaultErrnoRet",
					    "syscalls", NULL };
static const char *const rule_keys[] = { "action", "args", "errnoRet", "names", NULL };
static const char *const arg_keys[] = { "index", "op", "value", "valueTwo", NULL };

static int word(const struct spec_reader *r, const struct json *object, const char *key,
		const char *const *words, int count, struct err *e)
{
	struct json item = json_member(object, key);
	const char *text;

	if (json_get_str(object, key, &text, e))
		return -1;
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return spec_bad(r, &item, e, "\"%s\" is unknown or not supported yet", text);
}

static int read_arg(const struct spec_reader *r, const struct json *item,
		    struct oci_seccomp_arg *arg, struct err *e)
{
	uint32_t index = 0;
	int op;

	if (json_kind(item) != JSON_OBJECT)
		return spec_bad(r, item, e, "must be an object");
	if (json_only_keys(item, arg_keys, e) || spec_u32(r, item, "index", true, &index, e) ||
	    json_get_u64(item, "value", &arg->value, e) ||
	    json_opt_u64(item, "valueTwo", &arg->value_two, e))
		return -1;
	op = word(r, item, "op", ops, OCI_SECCOMP_OPS, e);
	if (op < 0)
		return -1;
	if (index > 5)
		return spec_bad(r, item, e, "index must be from 0 to 5");
	arg->index = index;
	arg->op = (enum oci_seccomp_op)op;
	return 0;
}

static int read_rule(const struct spec_reader *r, const struct json *item,
		     struct oci_seccomp_rule *rule, struct err *e)
{
	struct json args;
	int action, found;

	if (json_kind(item) != JSON_OBJECT)
		return spec_bad(r, item, e, "must be an object");
	rule->errno_ret = EPERM;
	if (json_only_keys(item, rule_keys, e) || spec_strings(r, item, "names", &rule->names, e) ||
	    spec_u32(r, item, "errnoRet", false, &rule->errno_ret, e))
		return -1;
	if (!rule->names || !rule->names[0])
		return spec_bad(r, item, e, "names must not be empty");
	action = word(r, item, "action", actions, OCI_SECCOMP_ACTIONS, e);
	if (action < 0)
		return -1;
	rule->action = (enum oci_seccomp_action)action;
	found = spec_array(r, item, "args", &args, e);
	if (found <= 0)
		return found;
	rule->arg_count = json_count(&args);
	struct oci_seccomp_arg *list = arena_array(r->arena, rule->arg_count + 1, sizeof(*list));

	for (size_t i = 0; i < rule->arg_count; i++) {
		struct json arg = json_at(&args, i);

		if (read_arg(r, &arg, &list[i], e))
			return -1;
	}
	rule->args = list;
	return 0;
}

/* Our kernels are 64-bit only: SCMP_ARCH_X86_64 must be among them, the 32-bit ones
 * change nothing. */
static int check_architectures(const struct spec_reader *r, const struct json *object,
			       struct err *e)
{
	const char **names = NULL;

	if (spec_strings(r, object, "architectures", &names, e))
		return -1;
	if (!names)
		return 0;
	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], "SCMP_ARCH_X86_64") == 0)
			return 0;
	return spec_bad(r, object, e, "architectures lack SCMP_ARCH_X86_64");
}

int oci_seccomp_read(const struct spec_reader *r, const struct json *object, struct oci_seccomp *s,
		     struct err *e)
{
	struct json array;
	int action, found;

	s->default_errno = EPERM;
	if (json_only_keys(object, profile_keys, e) || check_architectures(r, object, e) ||
	    spec_u32(r, object, "defaultErrnoRet", false, &s->default_errno, e))
		return -1;
	action = word(r, object, "defaultAction", actions, OCI_SECCOMP_ACTIONS, e);
	if (action < 0)
		return -1;
	s->default_action = (enum oci_seccomp_action)action;
	found = spec_array(r, object, "syscalls", &array, e);
	if (found <= 0)
		return found;
	s->rule_count = json_count(&array);
	s->rules = arena_array(r->arena, s->rule_count + 1, sizeof(*s->rules));
	for (size_t i = 0; i < s->rule_count; i++) {
		struct json item = json_at(&array, i);

		if (read_rule(r, &item, &s->rules[i], e))
			return -1;
	}
	return 0;
}

static void write_args(const struct oci_seccomp_rule *rule, struct json_writer *w)
{
	json_key(w, "args");
	json_begin_array(w);
	for (size_t i = 0; i < rule->arg_count; i++) {
		const struct oci_seccomp_arg *arg = &rule->args[i];

		json_begin_object(w);
		json_key(w, "index");
		json_put_u64(w, arg->index);
		json_key(w, "op");
		json_put_str(w, ops[arg->op]);
		json_key(w, "value");
		json_put_u64(w, arg->value);
		json_key(w, "valueTwo");
		json_put_u64(w, arg->value_two);
		json_end_object(w);
	}
	json_end_array(w);
}

void oci_seccomp_write(const struct oci_seccomp *s, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "defaultAction");
	json_put_str(w, actions[s->default_action]);
	json_key(w, "defaultErrnoRet");
	json_put_u64(w, s->default_errno);
	json_key(w, "syscalls");
	json_begin_array(w);
	for (size_t i = 0; i < s->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &s->rules[i];

		json_begin_object(w);
		spec_put_strings(w, "names", rule->names);
		json_key(w, "action");
		json_put_str(w, actions[rule->action]);
		json_key(w, "errnoRet");
		json_put_u64(w, rule->errno_ret);
		write_args(rule, w);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}
