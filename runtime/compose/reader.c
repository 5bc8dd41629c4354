/* reader.c - see reader.h. */
#include "compose/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compose/interpolate.h"
#include "compose/scalar.h"
#include "compose/words.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"

enum { KEYS_MAX = 128 };	/* rows of a table; a service has 90 in the specification */

int reader_fail(const struct reader *r, const struct yaml_node *node, struct err *e,
		const char *format, ...)
{
	const char *key = node->list ? node->list->key : node->key;
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(e, "%s:%u: %s%s%s%s%s", r->file, node->line, r->where,
		       r->where[0] ? ": " : "", key ? key : "", key ? ": " : "", text);
}

static int unknown_key(const struct reader *r, const struct yaml_node *node,
		       const struct reader_key *keys, size_t key_count, struct err *e)
{
	const char *names[KEYS_MAX + 1];
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < key_count && count < KEYS_MAX; i++)
		if (keys[i].read)
			names[count++] = keys[i].name;
	names[count] = NULL;
	nearest = str_nearest(node->key, names);
	return err_set(e, "%s:%u: unknown key \"%.64s\"%s%s%s%s%s", r->file, node->line, node->key,
		       r->where[0] ? " in " : "", r->where, nearest ? "; did you mean \"" : "",
		       nearest ? nearest : "", nearest ? "\"?" : "");
}

int reader_map(struct reader *r, const struct yaml_node *map, const struct reader_key *keys,
	       size_t key_count, struct err *e)
{
	if (map->kind != YAML_MAP)
		return reader_fail(r, map, e, "must be a map, not %s", yaml_kind_name(map->kind));
	for (const struct yaml_node *node = map->first; node; node = node->next) {
		size_t i = 0;

		while (i < key_count && !str_equal(keys[i].name, node->key))
			i++;
		if (i == key_count && str_starts(node->key, "x-"))
			continue;
		if (i == key_count)
			return unknown_key(r, node, keys, key_count, e);
		if (!keys[i].read)
			return err_set(e,
				       "%s:%u: key \"%s\"%s%s is not supported by Cuvette yet: "
				       "take it out",
				       r->file, node->line, node->key, r->where[0] ? " in " : "",
				       r->where);
		if (keys[i].read(r, node, e) < 0)
			return -1;
	}
	return 0;
}

const char *reader_text(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text;
	struct err cause;

	if (node->kind == YAML_LIST || node->kind == YAML_MAP || node->kind == YAML_NULL) {
		reader_fail(r, node, e, "must be one value, not %s", yaml_kind_name(node->kind));
		return NULL;
	}
	text = interpolate(node->text, r->vars, r->arena, &cause);
	if (!text)
		reader_fail(r, node, e, "%s", cause.text);
	return text;
}

const char *reader_string(struct reader *r, const struct yaml_node *node, struct err *e)
{
	if (node->kind == YAML_STRING)
		return reader_text(r, node, e);
	if (node->kind == YAML_BOOL || node->kind == YAML_INTEGER || node->kind == YAML_REAL)
		reader_fail(r, node, e, "must be a string: write \"%.64s\" with quotes",
			    node->text);
	else
		reader_fail(r, node, e, "must be a string, not %s", yaml_kind_name(node->kind));
	return NULL;
}

int reader_bytes(struct reader *r, const struct yaml_node *node, uint64_t *bytes, struct err *e)
{
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!str_to_bytes(text, bytes))
		return reader_fail(r, node, e,
				   "\"%.64s\" is not a size: write 512m, 1.5g or a number of bytes",
				   text);
	return 0;
}

int reader_bool(struct reader *r, const struct yaml_node *node, bool *value, struct err *e)
{
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!scalar_bool(text, value))
		return reader_fail(r, node, e, "must be true or false, not \"%.64s\"", text);
	return 0;
}

int reader_words(struct reader *r, const struct yaml_node *node, const char *const **words,
		 struct err *e)
{
	const char **list;
	size_t count = 0;

	if (node->kind != YAML_LIST) {
		const char *text = reader_string(r, node, e);
		struct err cause;

		if (!text)
			return -1;
		*words = words_split(text, r->arena, &cause);
		return *words ? 0 : reader_fail(r, node, e, "%s", cause.text);
	}
	list = arena_array(r->arena, yaml_count(node) + 1, sizeof(*list));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		list[count] = reader_string(r, item, e);
		if (!list[count++])
			return -1;
	}
	*words = list;
	return 0;
}

bool reader_next_pair(struct reader *r, const struct yaml_node *node, const struct yaml_node **at,
		      struct reader_pair *pair, bool *failed, struct err *e)
{
	const struct yaml_node *item = *at;
	const char *text = NULL, *equals;

	*failed = false;
	if (!item)
		return false;
	*at = item->next;
	pair->node = item;
	if (item->kind != YAML_NULL || node->kind == YAML_LIST)
		text = node->kind == YAML_LIST ? reader_string(r, item, e)
					       : reader_text(r, item, e);
	*failed = !text && item->kind != YAML_NULL;
	if (node->kind == YAML_MAP) {
		pair->key = item->key;
		pair->value = text;
		return !*failed;
	}
	*failed = !text;
	if (*failed)
		return false;
	equals = strchr(text, '=');
	pair->key = equals ? arena_strn(r->arena, text, (size_t)(equals - text)) : text;
	pair->value = equals ? equals + 1 : NULL;
	return true;
}
