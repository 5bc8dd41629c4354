/* spec_read.h - typed reading of config.json for the spec*.c files: copies into the arena and says
 * the JSON path of what is wrong.
 *
 * A member that is null counts as absent, as encoders of other languages write it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct json;
struct oci_pair;
struct spec_word;

struct spec_reader {
	struct arena *arena;
	const char *name;		/* of the document, for messages */
	/* Another maker's document: unknown members are passed over, and the few things that the
	 * specification wants tolerated become warnings. */
	bool bundle;
	const char ***warnings;		/* NULL-terminated list that grows; NULL = nobody asks */
};

/* `NAME: PATH: text`; returns -1. */
int spec_bad(const struct spec_reader *r, const struct json *at, struct err *e, const char *format,
	     ...) __attribute__((format(printf, 4, 5)));
void spec_warn(const struct spec_reader *r, const struct json *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Must be an object; in a strict document with these members only. */
int spec_keys(const struct spec_reader *r, const struct json *object, const char *const *known,
	      struct err *e);
bool spec_given(const struct json *object, const char *key);

/* Each reads the optional member `key`: 1 = read, 0 = absent and *out untouched, -1 = wrong. */
int spec_object(const struct spec_reader *r, const struct json *object, const char *key,
		struct json *out, struct err *e);
int spec_array(const struct spec_reader *r, const struct json *object, const char *key,
	       struct json *out, struct err *e);
int spec_number(const struct spec_reader *r, const struct json *object, const char *key,
		int64_t min, int64_t max, int64_t *out, struct err *e);
int spec_flags(const struct spec_reader *r, const struct json *object, const char *key,
	       const struct spec_word *words, uint64_t *mask, struct err *e);
/* An array of objects: item_bytes zeroed for each in *items, filled by `read`, which begins with
 * spec_keys. */
int spec_list(const struct spec_reader *r, const struct json *object, const char *key,
	      size_t item_bytes,
	      int (*read)(const struct spec_reader *r, const struct json *item, void *out,
			  struct err *e),
	      void **items, size_t *count, struct err *e);

/* As above, but 0 also when read. */
int spec_string(const struct spec_reader *r, const struct json *object, const char *key,
		const char **out, struct err *e);
int spec_strings(const struct spec_reader *r, const struct json *object, const char *key,
		 const char ***out, struct err *e);
/* A member that must be absent or empty: SELinux's. A label that nothing enforces is a promise. */
int spec_no_label(const struct spec_reader *r, const struct json *object, const char *key,
		  struct err *e);
int spec_pairs(const struct spec_reader *r, const struct json *object, const char *key,
	       struct oci_pair **out, size_t *count, struct err *e);
int spec_u32(const struct spec_reader *r, const struct json *object, const char *key, bool required,
	     uint32_t *out, struct err *e);
int spec_cpus(const struct spec_reader *r, const struct json *object, const char *key,
	      const char **out, struct err *e);

int spec_required(const struct spec_reader *r, const struct json *object, const char *key,
		  const char **out, struct err *e);
/* A required word of a table; *value is its number. */
int spec_word(const struct spec_reader *r, const struct json *object, const char *key,
	      const struct spec_word *words, int64_t *value, struct err *e);

/* Fails when a string of the list is not an absolute path without `..`; NULL list is fine. */
int spec_need_absolute(const struct spec_reader *r, const struct json *object, const char *key,
		       const char **list, struct err *e);
bool spec_is_absolute(const char *path);	/* and without `..` */
bool spec_climbs(const char *path);		/* has a component `..` */
