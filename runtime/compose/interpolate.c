/* interpolate.c - see interpolate.h. */
#include "compose/interpolate.h"

#include <stdbool.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"

enum { VALUE_BYTES_MAX = 64 * 1024 };	/* of one value: what a message to boxd can carry */

static const char name_first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
static const char name_rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

static size_t name_length(const char *text)
{
	return *text && strchr(name_first, *text) ? strspn(text, name_rest) : 0;
}

const char *interpolate_find(const struct compose_var *vars, const char *name)
{
	for (; vars && vars->name; vars++)
		if (str_equal(vars->name, name))
			return vars->value;
	return NULL;
}

/* text stands behind `${`; returns what follows the `}`. */
static const char *add_braced(struct buf *out, const char *text, const struct compose_var *vars,
			      struct arena *arena, struct err *e)
{
	size_t length = name_length(text);
	const char *close = strchr(text, '}');
	const char *after = text + length;
	const char *name, *value;
	bool when_empty = after[0] == ':' && after[1] == '-';

	if (!length || !close || (*after != '}' && *after != '-' && !when_empty)) {
		err_set(e,
			"\"${%.40s\" is not understood: known are ${VAR}, ${VAR:-default} and $$ "
			"for a dollar sign",
			text);
		return NULL;
	}
	name = arena_strn(arena, text, length);
	value = interpolate_find(vars, name);
	if (*after == '}') {
		if (value) {
			buf_add_str(out, value);
			return after + 1;
		}
		err_set(e,
			"variable %.64s is not set; write ${%.64s:-default} to give it a default",
			name, name);
		return NULL;
	}
	after += when_empty ? 2 : 1;
	if (memchr(after, '$', (size_t)(close - after))) {
		err_set(e, "the default of ${%.64s} holds a \"$\": defaults are plain text", name);
		return NULL;
	}
	if (value && (*value || !when_empty))
		buf_add_str(out, value);
	else
		buf_add(out, after, (size_t)(close - after));
	return close + 1;
}

static const char *add_bare(struct buf *out, const char *text, const struct compose_var *vars,
			    struct arena *arena, struct err *e)
{
	size_t length = name_length(text);
	const char *name = arena_strn(arena, text, length);
	const char *value = interpolate_find(vars, name);

	if (!length)
		err_set(e, "a lone \"$\": write $$ for a dollar sign");
	else if (!value)
		err_set(e,
			"variable %.64s is not set; write ${%.64s:-default} to give it a default",
			name, name);
	else
		buf_add_str(out, value);
	return length && value ? text + length : NULL;
}

const char *interpolate(const char *text, const struct compose_var *vars, struct arena *arena,
			struct err *e)
{
	const char *result = NULL;
	struct buf out;

	if (!strchr(text, '$'))
		return text;
	buf_init(&out, VALUE_BYTES_MAX);
	while (text && *text) {
		size_t plain = strcspn(text, "$");

		buf_add(&out, text, plain);
		text += plain;
		if (text[0] == '\0')
			break;
		if (text[1] == '$') {
			buf_add_str(&out, "$");
			text += 2;
		} else if (text[1] == '{') {
			text = add_braced(&out, text + 2, vars, arena, e);
		} else {
			text = add_bare(&out, text + 1, vars, arena, e);
		}
	}
	if (text && out.overflow)
		err_set(e, "longer than %d KiB after its variables are put in",
			VALUE_BYTES_MAX / 1024);
	else if (text)
		result = arena_strn(arena, out.data ? out.data : "", out.size_bytes);
	buf_finish(&out);
	return result;
}
