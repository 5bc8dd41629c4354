/* str.h - small, strict operations on C strings. A number is whole and in range, or an error. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_equal(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* Copies with termination; false (and an empty target) when it does not fit. */
bool str_copy(char *target, size_t target_bytes, const char *source);

/* The whole string must be digits (one leading '-' for i64); no sign, space, hex or overflow. */
bool str_to_u64(const char *text, uint64_t *value);
bool str_to_u32(const char *text, uint32_t *value);
bool str_to_i64(const char *text, int64_t *value);

/* `512k`, `1.5g`, `2gb`, `1048576`, `10m`: bytes, powers of 1024, as Docker and compose write
 * them. */
bool str_to_bytes(const char *text, uint64_t *bytes);

/* Splits in place at blanks, `"..."` kept as one word; returns the count, or -1 when more than max
 * or a quote is open. */
int str_split_words(char *text, char **words, int max);

/* The nearest of names (NULL-terminated) for a typing error, or NULL when none is near
 * (Damerau-Levenshtein distance at most 1 + length / 4). */
const char *str_nearest(const char *text, const char *const *names);

/* A name that may become a file name: [a-zA-Z0-9][a-zA-Z0-9_.-]{0,63} */
bool str_is_name(const char *text);
