/* spec_put.h - a key and its value, for the writers of the spec*.c files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_writer;
struct oci_pair;
struct spec_word;

void spec_put_str(struct json_writer *w, const char *key, const char *value); /* NULL: nothing */
void spec_put_u64(struct json_writer *w, const char *key, uint64_t value);
void spec_put_i64(struct json_writer *w, const char *key, int64_t value);
void spec_put_bool(struct json_writer *w, const char *key, bool value);
void spec_put_given(struct json_writer *w, const char *key, int64_t value); /* 0: nothing */
void spec_put_strings(struct json_writer *w, const char *key, const char *const *list);
void spec_put_pairs(struct json_writer *w, const char *key, const struct oci_pair *pairs,
		    size_t count);
/* The words whose bits are in mask. */
void spec_put_flags(struct json_writer *w, const char *key, const struct spec_word *words,
		    uint64_t mask);
