/* fuzz_json.c - any bytes as a document: refused, or walked, written, and read again as the
 * same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS_MAX = 64 };
static int paths_left;	/* of one input */

static void copy(struct json_writer *w, const struct json *from);

static void copy_object(struct json_writer *w, const struct json *from)
{
	struct json member, found;
	const char *key;
	size_t i;

	json_begin_object(w);
	for (i = 0; i < json_count(from); i++) {
		member = json_member_at(from, i, &key);
		/* Keys are unique: by number and by name is the same. */
		found = json_member(from, key);
		if (found.value != member.value)
			abort();
		json_key(w, key);
		copy(w, &member);
	}
	json_end_object(w);
}

static void copy(struct json_writer *w, const struct json *from)
{
	const char *text;
	struct json item;
	uint64_t u64;
	int64_t i64;
	struct err e;
	size_t i;

	/* A walk from the root: not for every value of a large document. */
	if (paths_left-- > 0) {
		char path[JSON_PATH_MAX];

		json_path(from, path);
	}
	switch (json_kind(from)) {
	case JSON_NONE: abort();
	case JSON_NULL:
	case JSON_REAL: /* there is no writer for these: none of our documents has them */
		json_put_str(w, NULL);
		break;
	case JSON_BOOL: json_put_bool(w, true); break;
	case JSON_INTEGER:
		if (json_as_u64(from, &u64, &e) == 0)
			json_put_u64(w, u64);
		else if (json_as_i64(from, &i64, &e) == 0)
			json_put_i64(w, i64);
		else
			abort();
		break;
	case JSON_STRING:
		if (json_as_str(from, &text, &e) < 0)
			abort();
		json_put_str(w, text);
		break;
	case JSON_ARRAY:
		json_begin_array(w);
		for (i = 0; i < json_count(from); i++) {
			item = json_at(from, i);
			copy(w, &item);
		}
		json_end_array(w);
		break;
	case JSON_OBJECT: copy_object(w, from); break;
	}
}

/* Writes doc; consumes it. */
static void write_out(struct json_doc *doc, struct buf *out)
{
	struct json root = json_root(doc);
	struct json_writer w;

	json_writer_init(&w, out);
	copy(&w, &root);
	json_destroy(doc);
	if (out->overflow || w.depth != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "name", "mounts", NULL };
	struct json_doc *doc;
	struct buf first, second;
	struct json root;
	struct err e;

	e.text[0] = '\0';
	doc = json_parse("fuzz", (const char *)data, size, &e);
	if (!doc) {
		if (strncmp(e.text, "fuzz: ", 6) != 0)
			abort();
		return 0;
	}
	paths_left = PATHS_MAX;
	root = json_root(doc);
	json_only_keys(&root, known, &e);
	buf_init(&first, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	write_out(doc, &first);
	doc = json_parse("again", first.data, first.size_bytes, &e);
	if (!doc)
		abort();
	write_out(doc, &second);
	if (first.size_bytes != second.size_bytes ||
	    memcmp(first.data, second.data, first.size_bytes) != 0)
		abort();
	buf_finish(&first);
	buf_finish(&second);
	return 0;
}
