/* spec_hooks.c - the object `hooks` of config.json: programs that run at points of the lifecycle
 * (config.md "POSIX-platform Hooks"). */
#include "lib/array.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const kinds[] = {
	"createContainer", "createRuntime", "poststart", "poststop", "prestart", "startContainer",
	NULL,
};
_Static_assert(ARRAY_SIZE(kinds) == OCI_HOOKS + 1, "one key per kind of hook");
static const char *const hook_keys[] = { "args", "env", "path", "timeout", NULL };

static int read_hook(const struct spec_reader *r, const struct json *item, void *out, struct err *e)
{
	struct oci_hook *hook = out;
	struct json path = json_member(item, "path"), timeout = json_member(item, "timeout");
	int64_t seconds = 0;
	int given;

	if (spec_keys(r, item, hook_keys, e) || spec_required(r, item, "path", &hook->path, e) ||
	    spec_strings(r, item, "args", &hook->args, e) ||
	    spec_strings(r, item, "env", &hook->env, e))
		return -1;
	if (hook->path[0] != '/')
		return spec_bad(r, &path, e, "must be an absolute path, not \"%s\"", hook->path);
	given = spec_number(r, item, "timeout", INT32_MIN, INT32_MAX, &seconds, e);
	if (given < 0)
		return -1;
	if (given && seconds <= 0)
		return spec_bad(r, &timeout, e, "must be greater than 0 seconds");
	hook->timeout_s = (int)seconds;
	return 0;
}

int spec_hooks_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		    struct err *e)
{
	struct json object;
	int found = spec_object(r, root, "hooks", &object, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &object, kinds, e))
		return -1;
	for (unsigned i = 0; i < OCI_HOOKS; i++) {
		struct oci_hook_list *list = &s->hooks[i];
		void *items = NULL;

		if (spec_list(r, &object, oci_hook_name(i), sizeof(*list->items), read_hook, &items,
			      &list->count, e) < 0)
			return -1;
		list->items = items;
	}
	return 0;
}

static void write_hook(const struct oci_hook *hook, struct json_writer *w)
{
	json_begin_object(w);
	spec_put_str(w, "path", hook->path);
	if (hook->args)
		spec_put_strings(w, "args", hook->args);
	if (hook->env)
		spec_put_strings(w, "env", hook->env);
	spec_put_given(w, "timeout", hook->timeout_s);
	json_end_object(w);
}

void spec_hooks_write(const struct oci_spec *s, struct json_writer *w)
{
	size_t count = 0;

	for (unsigned i = 0; i < OCI_HOOKS; i++)
		count += s->hooks[i].count;
	if (!count)
		return;
	json_key(w, "hooks");
	json_begin_object(w);
	for (unsigned i = 0; i < OCI_HOOKS; i++) {
		if (!s->hooks[i].count)
			continue;
		json_key(w, oci_hook_name(i));
		json_begin_array(w);
		for (size_t k = 0; k < s->hooks[i].count; k++)
			write_hook(&s->hooks[i].items[k], w);
		json_end_array(w);
	}
	json_end_object(w);
}
