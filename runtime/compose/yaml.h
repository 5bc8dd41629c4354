/* yaml.h - one YAML 1.2 document in a strict profile, as a tree of nodes with their line numbers.
 *
 * Refused, each with its line: tags, anchors, aliases, merge keys, directives, a second document,
 * keys that are not plain strings, the same key twice in one map, more than the limits below.
 * Scalars follow the core schema: `yes`, `no` and `on` are strings. The tree lives in the caller's
 * arena. Knows nothing of compose. The only file that includes libyaml is yaml.c. */
#pragma once

#include <stddef.h>

struct arena;
struct err;

enum {
	YAML_BYTES_MAX = 256 * 1024,
	YAML_DEPTH_MAX = 32,
	YAML_NODES_MAX = 16384,		/* x 64 bytes: 1 MiB of tree at most */
	YAML_KEYS_MAX = 1024,		/* per map: the search for duplicates is quadratic */
};

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INTEGER, YAML_REAL, YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;			/* from 1; of the key when there is one */
	const char *key;		/* in a map, else NULL */
	const char *text; /* of a scalar, as written without its quotes; NULL for list and map */
	const struct yaml_node *first;	/* child of a list or map */
	const struct yaml_node *next;	/* sibling */
	const struct yaml_node *list;	/* whose item it is, else NULL */
};

/* name is for messages: `compose.yaml:12: ...`. An empty document is a YAML_NULL node. */
const struct yaml_node *yaml_read(const char *name, const char *text, size_t size_bytes,
				  struct arena *arena, struct err *e);

const struct yaml_node *yaml_member(const struct yaml_node *map,
				    const char *key);	/* NULL when missing */
size_t yaml_count(const struct yaml_node *node);	/* children */
const char *yaml_kind_name(enum yaml_kind kind);	/* "a list" */
