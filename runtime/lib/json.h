/* json.h - JSON documents: strict reading with the path of what is wrong, and writing.
 *
 * Reading: RFC 8259, UTF-8 checked, depth at most JSON_DEPTH_MAX, duplicate keys refused,
 * integers exact in 64 bits. Values live as long as their document. A getter that meets a wrong
 * type or a missing member fails with the JSON path: `config.json: .mounts[3].destination: must
 * be a string`. The only file that includes the JSON library is json.c; writing (json_write.c)
 * needs none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct json_doc;

enum { JSON_DEPTH_MAX = 64, JSON_PATH_MAX = 256 };

/* A place in a document. Copied freely; kind JSON_NONE = not there. Its path is found when somebody
 * asks: reading a document that is right costs no words. */
enum json_kind {
	JSON_NONE,
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER,
	JSON_REAL,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};
struct json {
	const struct json_doc *doc;
	void *value;		/* the library's; NULL = not there */
	/* private */
	unsigned depth;
	void *parent;		/* in which it is missing */
	const char *key;	/* of a member, the caller's; NULL = an item, number index */
	size_t index;
};

struct json_doc *json_parse(const char *name, const char *text, size_t size_bytes, struct err *e);
void json_destroy(struct json_doc *doc); /* NULL is fine */
struct json json_root(const struct json_doc *doc);

/* `.mounts[3].destination`, empty for the root, cut in the middle when long. Of what is
 * missing in something that is missing itself, the outer's. */
void json_path(const struct json *j, char path[JSON_PATH_MAX]);

enum json_kind json_kind(const struct json *j);
/* JSON_NONE when missing; the key must live as long as the result. */
struct json json_member(const struct json *object, const char *key);
size_t json_count(const struct json *j); /* of an array or object, else 0 */
struct json json_at(const struct json *array, size_t index);
/* Member number index of an object, its key in *key. */
struct json json_member_at(const struct json *object, size_t index, const char **key);

/* Required values: fail when missing or of another kind. Strings contain no NUL. */
int json_get_str(const struct json *object, const char *key, const char **value, struct err *e);
int json_get_u64(const struct json *object, const char *key, uint64_t *value, struct err *e);
int json_get_i64(const struct json *object, const char *key, int64_t *value, struct err *e);
/* Optional ones: 0 and *value untouched when missing or null. */
int json_opt_str(const struct json *object, const char *key, const char **value, struct err *e);
int json_opt_u64(const struct json *object, const char *key, uint64_t *value, struct err *e);
int json_opt_i64(const struct json *object, const char *key, int64_t *value, struct err *e);
int json_opt_bool(const struct json *object, const char *key, bool *value, struct err *e);
/* The value itself. */
int json_as_str(const struct json *j, const char **value, struct err *e);
int json_as_u64(const struct json *j, uint64_t *value, struct err *e);
int json_as_i64(const struct json *j, int64_t *value, struct err *e);

/* Fails on a member that is not in the NULL-terminated list, naming the nearest known key. */
int json_only_keys(const struct json *object, const char *const *known, struct err *e);

/* Writing: calls nest as the document does; commas, quotes and escapes are put by the writer,
 * and bytes that are no UTF-8 become U+FFFD. Deeper than 64 or beyond the buffer's bound:
 * out->overflow is set. */
struct json_writer {
	struct buf *out;
	unsigned depth;
	uint64_t has_items; /* a bit per depth */
	bool after_key;
};
void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_put_str(struct json_writer *w, const char *value); /* NULL writes null */
void json_put_u64(struct json_writer *w, uint64_t value);
void json_put_i64(struct json_writer *w, int64_t value);
/* 1234 is written as 12.34. */
void json_put_hundredths(struct json_writer *w, uint64_t hundredths);
void json_put_bool(struct json_writer *w, bool value);
