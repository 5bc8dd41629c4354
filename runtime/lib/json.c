#include "lib/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "lib/err.h"
#include "lib/str.h"

/* Children lie one after the other in the library's memory, each of its own size, so finding
 * number n takes n steps. The place of the last look is kept, one per depth: a walk with json_at
 * costs what it should, also for a hostile document of a million items. */
struct cursor {
	yyjson_val *container, *at; /* at: an item of an array, a key of an object */
	size_t index;
	yyjson_arr_iter items;
	yyjson_obj_iter members;
};

/* One container on the way from the root to the value that is being checked. */
struct frame {
	bool is_object;
	size_t index;
	yyjson_val *key;
	yyjson_arr_iter items;
	yyjson_obj_iter members;
};

struct json_doc {
	yyjson_doc *library;
	char *name;
	struct cursor *cursors; /* JSON_DEPTH_MAX of them */
	struct frame *frames;	/* as many, of one walk; on the stack all of it would be touched */
	bool escapes_nul;	/* somewhere in the text, the only way to get one into a string */
};

enum {
	PATH_HEAD = 96, /* kept of a path that is cut */
	PATH_PIECE_MAX = 72,
	PAIRWISE_MAX = 16, /* objects up to here are searched for duplicates without sorting */
};

static void path_add(char *path, const char *piece)
{
	char whole[JSON_PATH_MAX + PATH_PIECE_MAX];
	int size = snprintf(whole, sizeof(whole), "%s%s", path, piece);
	const int tail = JSON_PATH_MAX - 1 - PATH_HEAD - 3;

	if (size < JSON_PATH_MAX)
		memcpy(path, whole, (size_t)size + 1);
	else
		snprintf(path, JSON_PATH_MAX, "%.*s...%s", PATH_HEAD, whole, whole + size - tail);
}

static void path_add_key(char *path, const char *key)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	char piece[PATH_PIECE_MAX];

	if (*key && key[strspn(key, plain)] == '\0')
		snprintf(piece, sizeof(piece), ".%s", key);
	else
		snprintf(piece, sizeof(piece), "[\"%.60s\"]", key);
	path_add(path, piece);
}

static void path_add_index(char *path, size_t index)
{
	char piece[PATH_PIECE_MAX];

	snprintf(piece, sizeof(piece), "[%zu]", index);
	path_add(path, piece);
}

static void frame_begin(struct frame *frame, yyjson_val *container)
{
	*frame = (struct frame){ .is_object = yyjson_is_obj(container) };
	if (frame->is_object)
		frame->members = yyjson_obj_iter_with(container);
	else
		frame->items = yyjson_arr_iter_with(container);
}

static yyjson_val *frame_next(struct frame *frame)
{
	if (!frame->is_object) {
		frame->index = frame->items.idx;
		return yyjson_arr_iter_next(&frame->items);
	}
	frame->key = yyjson_obj_iter_next(&frame->members);
	return frame->key ? yyjson_obj_iter_get_val(frame->key) : NULL;
}

/* The next value of the walk, leaving containers that are at their end; NULL at the end of all. */
static yyjson_val *walk(struct frame *frames, unsigned *depth)
{
	yyjson_val *value = NULL;

	while (*depth > 0 && !value) {
		value = frame_next(&frames[*depth - 1]);
		if (!value)
			--*depth;
	}
	return value;
}

static void path_of_frames(const struct frame *frames, unsigned depth, char *path)
{
	*path = '\0';
	for (unsigned i = 0; i < depth; i++) {
		if (frames[i].is_object)
			path_add_key(path, yyjson_get_str(frames[i].key));
		else
			path_add_index(path, frames[i].index);
	}
}

static int fail_at(const struct json_doc *doc, const struct frame *frames, unsigned depth,
		   const char *what, struct err *e)
{
	char path[JSON_PATH_MAX];

	path_of_frames(frames, depth, path);
	return err_set(e, "%s: %s%s%s", doc->name, path, path[0] ? ": " : "", what);
}

static int compare_keys(const void *a, const void *b)
{
	yyjson_val *const *left = a, *const *right = b;

	return strcmp(yyjson_get_str(*left), yyjson_get_str(*right));
}

/* A key that stands twice, or NULL. Keys hold no NUL: that was checked before. */
static yyjson_val *duplicate_in(yyjson_val *object)
{
	size_t count = yyjson_obj_size(object), filled = 0, i, k;
	yyjson_val *few[PAIRWISE_MAX], **keys = few, *key, *twice = NULL;
	yyjson_obj_iter members = yyjson_obj_iter_with(object);

	if (count > PAIRWISE_MAX)
		keys = malloc(count * sizeof(*keys));
	if (!keys)
		abort();
	while ((key = yyjson_obj_iter_next(&members)))
		keys[filled++] = key;
	if (count > PAIRWISE_MAX)
		qsort(keys, count, sizeof(*keys), compare_keys);
	for (i = 1; i < count && !twice; i++)
		for (k = count > PAIRWISE_MAX ? i - 1 : 0; k < i && !twice; k++)
			if (compare_keys(&keys[k], &keys[i]) == 0)
				twice = keys[i];
	if (keys != few)
		free(keys);
	return twice;
}

static bool has_nul(const struct json_doc *doc, yyjson_val *string)
{
	return doc->escapes_nul &&
	       memchr(yyjson_get_str(string), '\0', yyjson_get_len(string)) != NULL;
}

static const char *wrong_with_keys(const struct json_doc *doc, yyjson_val *object,
				   yyjson_val **where)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(object);
	yyjson_val *key;

	while ((key = yyjson_obj_iter_next(&members))) {
		*where = key;
		if (has_nul(doc, key))
			return "the key contains a NUL byte";
	}
	*where = duplicate_in(object);
	return *where ? "occurs twice" : NULL;
}

static int enter(const struct json_doc *doc, struct frame *frames, unsigned *depth,
		 yyjson_val *value, struct err *e)
{
	struct frame *frame = &frames[*depth];
	const char *wrong;

	if (*depth == JSON_DEPTH_MAX)
		return err_set(e, "%s: nested deeper than %d levels", doc->name, JSON_DEPTH_MAX);
	frame_begin(frame, value);
	if (frame->is_object) {
		wrong = wrong_with_keys(doc, value, &frame->key);
		if (wrong)
			return fail_at(doc, frames, *depth + 1, wrong, e);
	}
	++*depth;
	return 0;
}

/* What RFC 8259 leaves open and the library lets pass: depth, duplicate keys, NUL in strings. */
static int check(const struct json_doc *doc, struct err *e)
{
	struct frame *frames = doc->frames;
	yyjson_val *value = yyjson_doc_get_root(doc->library);
	unsigned depth = 0;

	for (;;) {
		if (yyjson_is_str(value) && has_nul(doc, value))
			return fail_at(doc, frames, depth, "contains a NUL byte", e);
		if (yyjson_is_ctn(value) && enter(doc, frames, &depth, value, e) < 0)
			return -1;
		value = walk(frames, &depth);
		if (!value)
			return 0;
	}
}

static void fail_parse(const char *name, const char *text, size_t size_bytes,
		       const yyjson_read_err *why, struct err *e)
{
	size_t line = 0, column = 0, character = 0;

	if (size_bytes == 0) {
		err_set(e, "%s: is empty", name);
		return;
	}
	if (why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
		abort();
	if (yyjson_locate_pos(text, size_bytes, why->pos, &line, &column, &character))
		err_set(e, "%s: line %zu, column %zu: %s", name, line, column, why->msg);
	else
		err_set(e, "%s: %s", name, why->msg);
}

struct json_doc *json_parse(const char *name, const char *text, size_t size_bytes, struct err *e)
{
	yyjson_read_err why;
	struct json_doc *doc;
	/* The flag INSITU, which would write into text, is not given. */
	yyjson_doc *library = yyjson_read_opts((char *)(uintptr_t)text, size_bytes,
					       YYJSON_READ_NOFLAG, NULL, &why);

	if (!library) {
		fail_parse(name, text, size_bytes, &why, e);
		return NULL;
	}
	doc = calloc(1, sizeof(*doc));
	if (!doc)
		abort();
	doc->library = library;
	doc->escapes_nul = memmem(text, size_bytes, "\\u0000", 6) != NULL;
	doc->name = strdup(name);
	doc->cursors = calloc(JSON_DEPTH_MAX, sizeof(*doc->cursors));
	doc->frames = malloc(JSON_DEPTH_MAX * sizeof(*doc->frames));
	if (!doc->name || !doc->cursors || !doc->frames)
		abort();
	if (check(doc, e) < 0) {
		json_destroy(doc);
		return NULL;
	}
	return doc;
}

void json_destroy(struct json_doc *doc)
{
	if (!doc)
		return;
	yyjson_doc_free(doc->library);
	free(doc->name);
	free(doc->cursors);
	free(doc->frames);
	free(doc);
}

struct json json_root(const struct json_doc *doc)
{
	struct json j = { .doc = doc, .value = yyjson_doc_get_root(doc->library) };

	return j;
}

void json_path(const struct json *j, char path[JSON_PATH_MAX])
{
	struct frame *frames = j->doc->frames;
	const yyjson_val *sought = j->value ? j->value : j->parent;
	yyjson_val *value = yyjson_doc_get_root(j->doc->library);
	unsigned depth = 0;

	while (value && value != sought) {
		if (yyjson_is_ctn(value))
			frame_begin(&frames[depth++], value);	/* check() bounded the depth */
		value = walk(frames, &depth);
	}
	path_of_frames(frames, depth, path);
	if (j->value)
		return;
	if (j->key)
		path_add_key(path, j->key);
	else
		path_add_index(path, j->index);
}

static int fail(const struct json *j, const char *what, struct err *e)
{
	char path[JSON_PATH_MAX];

	json_path(j, path);
	return err_set(e, "%s: %s%s%s", j->doc->name, path, path[0] ? ": " : "", what);
}

enum json_kind json_kind(const struct json *j)
{
	switch (yyjson_get_type(j->value)) {
	case YYJSON_TYPE_NULL: return JSON_NULL;
	case YYJSON_TYPE_BOOL: return JSON_BOOL;
	case YYJSON_TYPE_NUM: return yyjson_is_int(j->value) ? JSON_INTEGER : JSON_REAL;
	case YYJSON_TYPE_STR: return JSON_STRING;
	case YYJSON_TYPE_ARR: return JSON_ARRAY;
	case YYJSON_TYPE_OBJ: return JSON_OBJECT;
	default: return JSON_NONE;
	}
}

/* What stands in container, or where it would. */
static struct json inside(const struct json *container, yyjson_val *value, const char *key,
			  size_t index)
{
	struct json j = *container;

	j.value = value;
	j.depth++;
	if (!container->value)
		return j;
	j.parent = container->value;
	j.key = key;
	j.index = index;
	return j;
}

struct json json_member(const struct json *object, const char *key)
{
	return inside(object, yyjson_obj_get(object->value, key), key, 0);
}

size_t json_count(const struct json *j)
{
	return yyjson_is_ctn(j->value) ? yyjson_get_len(j->value) : 0;
}

static yyjson_val *cursor_next(struct cursor *c)
{
	return yyjson_is_obj(c->container) ? yyjson_obj_iter_next(&c->members)
					   : yyjson_arr_iter_next(&c->items);
}

/* Number index of a container that has that many. */
static yyjson_val *seek(const struct json *container, size_t index)
{
	struct cursor *c = &container->doc->cursors[container->depth];

	if (c->container != container->value || index < c->index) {
		*c = (struct cursor){ .container = container->value };
		c->items = yyjson_arr_iter_with(c->container);
		c->members = yyjson_obj_iter_with(c->container);
		c->at = cursor_next(c);
	}
	for (; c->index < index; c->index++)
		c->at = cursor_next(c);
	return c->at;
}

struct json json_at(const struct json *array, size_t index)
{
	yyjson_val *at = NULL;

	if (yyjson_is_arr(array->value) && index < json_count(array))
		at = seek(array, index);
	return inside(array, at, NULL, index);
}

struct json json_member_at(const struct json *object, size_t index, const char **key)
{
	yyjson_val *at = NULL;

	if (yyjson_is_obj(object->value) && index < json_count(object))
		at = seek(object, index);
	*key = at ? yyjson_get_str(at) : "";
	return inside(object, at ? yyjson_obj_iter_get_val(at) : NULL, *key, index);
}

static int fail_kind(const struct json *j, const char *what, struct err *e)
{
	return fail(j, j->value ? what : "is missing", e);
}

int json_as_str(const struct json *j, const char **value, struct err *e)
{
	if (!yyjson_is_str(j->value))
		return fail_kind(j, "must be a string", e);
	*value = yyjson_get_str(j->value);
	return 0;
}

int json_as_u64(const struct json *j, uint64_t *value, struct err *e)
{
	if (!yyjson_is_uint(j->value))
		return fail_kind(j, "must be a whole number from 0 to 18446744073709551615", e);
	*value = yyjson_get_uint(j->value);
	return 0;
}

int json_as_i64(const struct json *j, int64_t *value, struct err *e)
{
	/* The library calls what has no minus sign unsigned. */
	if (!yyjson_is_int(j->value) ||
	    (yyjson_is_uint(j->value) && yyjson_get_uint(j->value) > INT64_MAX))
		return fail_kind(j, "must be a whole number of 64 bits", e);
	*value = yyjson_get_sint(j->value);
	return 0;
}

static int as_bool(const struct json *j, bool *value, struct err *e)
{
	if (!yyjson_is_bool(j->value))
		return fail_kind(j, "must be true or false", e);
	*value = yyjson_get_bool(j->value);
	return 0;
}

static int find(const struct json *object, const char *key, struct json *member, struct err *e)
{
	if (!yyjson_is_obj(object->value))
		return fail_kind(object, "must be an object", e);
	*member = json_member(object, key);
	return 0;
}

/* 1 = there is a value, 0 = missing or null, -1 = the object is none. */
static int find_optional(const struct json *object, const char *key, struct json *member,
			 struct err *e)
{
	if (!object->value || yyjson_is_null(object->value))
		return 0;
	if (find(object, key, member, e) < 0)
		return -1;
	return member->value && !yyjson_is_null(member->value);
}

int json_get_str(const struct json *object, const char *key, const char **value, struct err *e)
{
	struct json j;

	return find(object, key, &j, e) < 0 ? -1 : json_as_str(&j, value, e);
}

int json_get_u64(const struct json *object, const char *key, uint64_t *value, struct err *e)
{
	struct json j;

	return find(object, key, &j, e) < 0 ? -1 : json_as_u64(&j, value, e);
}

int json_get_i64(const struct json *object, const char *key, int64_t *value, struct err *e)
{
	struct json j;

	return find(object, key, &j, e) < 0 ? -1 : json_as_i64(&j, value, e);
}

int json_opt_str(const struct json *object, const char *key, const char **value, struct err *e)
{
	struct json j;
	int found = find_optional(object, key, &j, e);

	return found > 0 ? json_as_str(&j, value, e) : found;
}

int json_opt_u64(const struct json *object, const char *key, uint64_t *value, struct err *e)
{
	struct json j;
	int found = find_optional(object, key, &j, e);

	return found > 0 ? json_as_u64(&j, value, e) : found;
}

int json_opt_i64(const struct json *object, const char *key, int64_t *value, struct err *e)
{
	struct json j;
	int found = find_optional(object, key, &j, e);

	return found > 0 ? json_as_i64(&j, value, e) : found;
}

int json_opt_bool(const struct json *object, const char *key, bool *value, struct err *e)
{
	struct json j;
	int found = find_optional(object, key, &j, e);

	return found > 0 ? as_bool(&j, value, e) : found;
}

int json_only_keys(const struct json *object, const char *const *known, struct err *e)
{
	const char *const *name;
	const char *key, *near;
	struct json member;
	size_t i;

	if (!yyjson_is_obj(object->value))
		return fail_kind(object, "must be an object", e);
	for (i = 0; i < json_count(object); i++) {
		member = json_member_at(object, i, &key);
		for (name = known; *name && !str_equal(*name, key); name++)
			;
		if (*name)
			continue;
		near = str_nearest(key, known);
		fail(&member, "unknown key", e);
		if (near)
			err_set(e, "%s; did you mean %s?", e ? e->text : "", near);
		return -1;
	}
	return 0;
}
