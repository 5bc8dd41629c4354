/* spec_read.c - see spec_read.h */
#include "oci/spec_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"

int spec_bad(const struct spec_reader *r, const struct json *at, struct err *e, const char *format,
	     ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(e, "%s: %s: %s", r->name, at->path, text);
}

static int member(const struct spec_reader *r, const struct json *object, const char *key,
		  enum json_kind kind, struct json *out, struct err *e)
{
	*out = json_member(object, key);
	enum json_kind got = json_kind(out);

	if (got == JSON_NONE || got == JSON_NULL)
		return 0;
	if (got != kind)
		return spec_bad(r, out, e,
				kind == JSON_OBJECT ? "must be an object" : "must be an array");
	return 1;
}

int spec_object(const struct spec_reader *r, const struct json *object, const char *key,
		struct json *out, struct err *e)
{
	return member(r, object, key, JSON_OBJECT, out, e);
}

int spec_array(const struct spec_reader *r, const struct json *object, const char *key,
	       struct json *out, struct err *e)
{
	return member(r, object, key, JSON_ARRAY, out, e);
}

int spec_string(const struct spec_reader *r, const struct json *object, const char *key,
		const char **out, struct err *e)
{
	const char *text = NULL;

	if (json_opt_str(object, key, &text, e))
		return -1;
	if (text)
		*out = arena_str(r->arena, text);
	return 0;
}

int spec_strings(const struct spec_reader *r, const struct json *object, const char *key,
		 const char ***out, struct err *e)
{
	struct json array;
	int found = spec_array(r, object, key, &array, e);

	if (found <= 0)
		return found;
	size_t count = json_count(&array);
	const char **list = arena_array(r->arena, count + 1, sizeof(*list));

	for (size_t i = 0; i < count; i++) {
		struct json item = json_at(&array, i);
		const char *text;

		if (json_as_str(&item, &text, e))
			return -1;
		list[i] = arena_str(r->arena, text);
	}
	*out = list;
	return 0;
}

int spec_pairs(const struct spec_reader *r, const struct json *object, const char *key,
	       struct oci_pair **out, size_t *count, struct err *e)
{
	struct json map;
	int found = spec_object(r, object, key, &map, e);

	if (found <= 0)
		return found;
	*count = json_count(&map);
	*out = arena_array(r->arena, *count ? *count : 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		const char *name, *value;
		struct json item = json_member_at(&map, i, &name);

		if (json_as_str(&item, &value, e))
			return -1;
		(*out)[i].key = arena_str(r->arena, name);
		(*out)[i].value = arena_str(r->arena, value);
	}
	return 0;
}

int spec_u32(const struct spec_reader *r, const struct json *object, const char *key, bool required,
	     uint32_t *out, struct err *e)
{
	struct json item = json_member(object, key);
	uint64_t value = 0;
	bool absent = json_kind(&item) == JSON_NONE || json_kind(&item) == JSON_NULL;

	if (absent && !required)
		return 0;
	if (json_get_u64(object, key, &value, e))
		return -1;
	if (value > UINT32_MAX)
		return spec_bad(r, &item, e, "must be at most %u", UINT32_MAX);
	*out = (uint32_t)value;
	return 0;
}

bool spec_is_absolute(const char *path)
{
	if (!path || path[0] != '/')
		return false;
	for (const char *p = path; *p; p = strchrnul(p + 1, '/'))
		if (strncmp(p, "/..", 3) == 0 && (p[3] == '/' || p[3] == '\0'))
			return false;
	return true;
}

int spec_need_absolute(const struct spec_reader *r, const struct json *object, const char *key,
		       const char **list, struct err *e)
{
	struct json array = json_member(object, key);

	for (size_t i = 0; list && list[i]; i++) {
		struct json item = json_at(&array, i);

		if (!spec_is_absolute(list[i]))
			return spec_bad(r, &item, e,
					"must be an absolute path without `..`, not \"%s\"",
					list[i]);
	}
	return 0;
}
