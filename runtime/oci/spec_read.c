/* spec_read.c - see spec_read.h */
#include "oci/spec_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "lib/str.h"
#include "oci/cpu_list.h"
#include "oci/spec.h"
#include "oci/spec_names.h"

enum { WARNINGS_MAX = 32 };	/* a reader of the log has the idea by then */

int spec_bad(const struct spec_reader *r, const struct json *at, struct err *e, const char *format,
	     ...)
{
	char text[ERR_TEXT_MAX], path[JSON_PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_path(at, path);
	return err_set(e, "%s: %s%s%s", r->name, path, path[0] ? ": " : "", text);
}

void spec_warn(const struct spec_reader *r, const struct json *at, const char *format, ...)
{
	char text[ERR_TEXT_MAX], path[JSON_PATH_MAX];
	va_list args;
	size_t count = 0;

	while (r->warnings && *r->warnings && (*r->warnings)[count])
		count++;
	if (!r->warnings || count == WARNINGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_path(at, path);
	*r->warnings = oci_strings_add(r->arena, *r->warnings,
				       arena_format(r->arena, "%s: %s%s%s", r->name, path,
						    path[0] ? ": " : "", text));
}

int spec_keys(const struct spec_reader *r, const struct json *object, const char *const *known,
	      struct err *e)
{
	if (json_kind(object) != JSON_OBJECT)
		return spec_bad(r, object, e, "must be an object");
	return r->bundle ? 0 : json_only_keys(object, known, e);
}

bool spec_given(const struct json *object, const char *key)
{
	struct json item = json_member(object, key);

	return json_kind(&item) != JSON_NONE && json_kind(&item) != JSON_NULL;
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

int spec_number(const struct spec_reader *r, const struct json *object, const char *key,
		int64_t min, int64_t max, int64_t *out, struct err *e)
{
	struct json item = json_member(object, key);
	int64_t value;

	if (json_kind(&item) == JSON_NONE || json_kind(&item) == JSON_NULL)
		return 0;
	if (json_as_i64(&item, &value, e))
		return -1;
	if (value < min || value > max)
		return spec_bad(r, &item, e, "must be from %lld to %lld", (long long)min,
				(long long)max);
	*out = value;
	return 1;
}

static int bad_word(const struct spec_reader *r, const struct json *item, const char *text,
		    const struct spec_word *words, struct err *e)
{
	enum { WORDS_MAX = 32 };
	const char *names[WORDS_MAX + 1] = { NULL }, *near;

	for (size_t i = 0; i < WORDS_MAX && words[i].name[0]; i++)
		names[i] = words[i].name;
	near = str_nearest(text, names);
	if (near)
		return spec_bad(r, item, e, "\"%s\" is unknown; did you mean %s?", text, near);
	return spec_bad(r, item, e, "\"%s\" is unknown", text);
}

int spec_word(const struct spec_reader *r, const struct json *object, const char *key,
	      const struct spec_word *words, int64_t *value, struct err *e)
{
	struct json item = json_member(object, key);
	const struct spec_word *word;
	const char *text;

	if (json_as_str(&item, &text, e))
		return -1;
	word = spec_word_find(words, text);
	if (!word)
		return bad_word(r, &item, text, words, e);
	*value = word->value;
	return 0;
}

int spec_flags(const struct spec_reader *r, const struct json *object, const char *key,
	       const struct spec_word *words, uint64_t *mask, struct err *e)
{
	struct json array;
	int found = spec_array(r, object, key, &array, e);

	if (found <= 0)
		return found;
	for (size_t i = 0; i < json_count(&array); i++) {
		struct json item = json_at(&array, i);
		const struct spec_word *word;
		const char *text;

		if (json_as_str(&item, &text, e))
			return -1;
		word = spec_word_find(words, text);
		if (!word)
			return bad_word(r, &item, text, words, e);
		*mask |= (uint64_t)word->value;
	}
	return 1;
}

int spec_list(const struct spec_reader *r, const struct json *object, const char *key,
	      size_t item_bytes,
	      int (*read)(const struct spec_reader *r, const struct json *item, void *out,
			  struct err *e),
	      void **items, size_t *count, struct err *e)
{
	struct json array;
	int found = spec_array(r, object, key, &array, e);

	if (found <= 0)
		return found;
	*count = json_count(&array);
	*items = arena_array(r->arena, *count + 1, item_bytes);
	for (size_t i = 0; i < *count; i++) {
		struct json item = json_at(&array, i);

		if (read(r, &item, (char *)*items + i * item_bytes, e))
			return -1;
	}
	return 1;
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

int spec_no_label(const struct spec_reader *r, const struct json *object, const char *key,
		  struct err *e)
{
	struct json item = json_member(object, key);
	const char *text = NULL;

	if (json_opt_str(object, key, &text, e))
		return -1;
	if (!text || !text[0])
		return 0;
	return spec_bad(r, &item, e,
			"box sets no SELinux labels: leave it out "
			"(podman: --security-opt label=disable)");
}

int spec_required(const struct spec_reader *r, const struct json *object, const char *key,
		  const char **out, struct err *e)
{
	const char *text;

	if (json_get_str(object, key, &text, e))
		return -1;
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
	if (absent)
		return json_get_u64(object, key, &value, e);
	if (json_as_u64(&item, &value, NULL) || value > UINT32_MAX)
		return spec_bad(r, &item, e, "must be a whole number from 0 to %u", UINT32_MAX);
	*out = (uint32_t)value;
	return 0;
}

int spec_cpus(const struct spec_reader *r, const struct json *object, const char *key,
	      const char **out, struct err *e)
{
	struct json item = json_member(object, key);
	struct cpu_list list;
	struct err why;

	if (spec_string(r, object, key, out, e))
		return -1;
	/* Encoders that know no absence write the empty string. */
	if (*out && r->bundle && !**out)
		*out = NULL;
	if (*out && cpu_list_parse(*out, &list, &why))
		return spec_bad(r, &item, e, "%s", why.text);
	return 0;
}

bool spec_climbs(const char *path)
{
	for (const char *p = path; *p; p = *p ? p + 1 : p) {
		const char *end = strchrnul(p, '/');

		if (end - p == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p = end;
	}
	return false;
}

bool spec_is_absolute(const char *path)
{
	return path && path[0] == '/' && !spec_climbs(path);
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
