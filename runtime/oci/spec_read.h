/* spec_read.h - typed reading of config.json for the spec*.c files: copies into the arena and says
 * the JSON path of what is wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct json;
struct oci_pair;

struct spec_reader {
	struct arena *arena;
	const char *name;		/* of the document, for messages */
};

/* `NAME: PATH: text`; returns -1. */
int spec_bad(const struct spec_reader *r, const struct json *at, struct err *e, const char *format,
	     ...) __attribute__((format(printf, 4, 5)));

/* Member `key` of object, which must be an object or array when there is one. 1 = found, 0 =
 * absent. */
int spec_object(const struct spec_reader *r, const struct json *object, const char *key,
		struct json *out, struct err *e);
int spec_array(const struct spec_reader *r, const struct json *object, const char *key,
	       struct json *out, struct err *e);

/* Absent: *out untouched. */
int spec_string(const struct spec_reader *r, const struct json *object, const char *key,
		const char **out, struct err *e);
int spec_strings(const struct spec_reader *r, const struct json *object, const char *key,
		 const char ***out, struct err *e);
int spec_pairs(const struct spec_reader *r, const struct json *object, const char *key,
	       struct oci_pair **out, size_t *count, struct err *e);
int spec_u32(const struct spec_reader *r, const struct json *object, const char *key, bool required,
	     uint32_t *out, struct err *e);

/* Fails when a string of the list is not an absolute path without `..`; NULL list is fine. */
int spec_need_absolute(const struct spec_reader *r, const struct json *object, const char *key,
		       const char **list, struct err *e);
bool spec_is_absolute(const char *path);
