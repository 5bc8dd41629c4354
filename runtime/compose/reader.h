/* reader.h - what every reader of a compose key needs: errors with the line, variables put in, keys
 * checked.
 *
 * Inside runtime/compose only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct compose_var;
struct err;
struct yaml_node;

struct reader {
	const char *file;
	const struct compose_var *vars;
	struct arena *arena;
	char where[128];		/* "service lab": put into messages */
	void *target;			/* what the rows of a key table fill */
};

typedef int reader_fn(struct reader *r, const struct yaml_node *node, struct err *e);

/* A row per key, sorted. Without a function: a key of the compose specification that is not
 * supported yet. */
struct reader_key {
	const char *name;
	reader_fn *read;
};

/* Always -1: `compose.yaml:12: service lab: mem_limit: ...`. An item of a list has that one's key.
 */
int reader_fail(const struct reader *r, const struct yaml_node *node, struct err *e,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Calls the row of each member of the map; keys that start with `x-` and have no row are the user's
 * own. */
int reader_map(struct reader *r, const struct yaml_node *map, const struct reader_key *keys,
	       size_t key_count, struct err *e);

/* A scalar with its variables put in; numbers as they are written. NULL with *e set. */
const char *reader_text(struct reader *r, const struct yaml_node *node, struct err *e);
/* The same, but a number or a truth value is an error: the user forgot the quotes. */
const char *reader_string(struct reader *r, const struct yaml_node *node, struct err *e);

int reader_bytes(struct reader *r, const struct yaml_node *node, uint64_t *bytes, struct err *e);
int reader_bool(struct reader *r, const struct yaml_node *node, bool *value, struct err *e);
/* A string split into words, or a list of strings; NULL-terminated. */
int reader_words(struct reader *r, const struct yaml_node *node, const char *const **words,
		 struct err *e);

/* `{KEY: value}` and `[KEY=value]` alike. A missing value is NULL. Returns the next pair of the
 * walk that *at begins (the node's first child), false at the end or with *e set and *failed. */
struct reader_pair {
	const char *key, *value;
	const struct yaml_node *node;
};
bool reader_next_pair(struct reader *r, const struct yaml_node *node, const struct yaml_node **at,
		      struct reader_pair *pair, bool *failed, struct err *e);
