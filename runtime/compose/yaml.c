/* yaml.c - see yaml.h. Events of libyaml in, tree out. */
#include "compose/yaml.h"

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"

struct builder {
	const char *name;
	struct arena *arena;
	yaml_parser_t parser;
	unsigned nodes;
};

static unsigned line_of(const yaml_event_t *event)
{
	return (unsigned)event->start_mark.line + 1;
}

static int next_event(struct builder *b, yaml_event_t *event, struct err *e)
{
	if (yaml_parser_parse(&b->parser, event))
		return 0;
	memset(event, 0, sizeof(*event));
	return err_set(e, "%s:%zu: not valid YAML: %s%s%s", b->name,
		       b->parser.problem_mark.line + 1,
		       b->parser.problem ? b->parser.problem : "cannot be read",
		       b->parser.context ? ", " : "", b->parser.context ? b->parser.context : "");
}

static bool all_in(const char *text, const char *set)
{
	return *text && text[strspn(text, set)] == '\0';
}

static bool is_integer(const char *text)
{
	if (str_starts(text, "0x"))
		return all_in(text + 2, "0123456789abcdefABCDEF");
	if (str_starts(text, "0o"))
		return all_in(text + 2, "01234567");
	if (*text == '-' || *text == '+')
		text++;
	return all_in(text, "0123456789");
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   YAML 1.2.2, 10.3.2 */
static bool is_real(const char *text)
{
	size_t before, after = 0;

	if (*text == '-' || *text == '+')
		text++;
	before = strspn(text, "0123456789");
	text += before;
	if (*text == '.') {
		after = strspn(++text, "0123456789");
		text += after;
	}
	if (before + after == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		if (*text == '-' || *text == '+')
			text++;
		return all_in(text, "0123456789");
	}
	return *text == '\0';
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (str_equal(text, *words))
			return true;
	return false;
}

static enum yaml_kind scalar_kind(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const bools[] = {
		"true", "True", "TRUE", "false", "False", "FALSE", NULL
	};

	if (is_one_of(text, nulls))
		return YAML_NULL;
	if (is_one_of(text, bools))
		return YAML_BOOL;
	if (is_integer(text))
		return YAML_INTEGER;
	return is_real(text) ? YAML_REAL : YAML_STRING;
}

static int refuse(const struct builder *b, const yaml_event_t *event, const void *anchor,
		  const void *tag, struct err *e)
{
	if (anchor)
		return err_set(
			e, "%s:%u: anchors are not supported: write the value out at each place",
			b->name, line_of(event));
	if (tag)
		return err_set(e, "%s:%u: tags (\"%.64s\") are not supported: leave the tag out",
			       b->name, line_of(event), (const char *)tag);
	return 0;
}

static int read_scalar(struct builder *b, const yaml_event_t *event, struct yaml_node *node,
		       struct err *e)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;

	if (refuse(b, event, event->data.scalar.anchor, event->data.scalar.tag, e) < 0)
		return -1;
	if (memchr(text, '\0', size))
		return err_set(e, "%s:%u: a value holds a NUL character", b->name, line_of(event));
	node->text = arena_strn(b->arena, text, size);
	node->kind = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? scalar_kind(node->text)
									 : YAML_STRING;
	return 0;
}

static struct yaml_node *node_new(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct yaml_node *node;

	if (++b->nodes > YAML_NODES_MAX) {
		err_set(e, "%s:%u: more than %d values in one file", b->name, line_of(event),
			YAML_NODES_MAX);
		return NULL;
	}
	node = arena_alloc(b->arena, sizeof(*node));
	node->line = line_of(event);
	return node;
}

static struct yaml_node *read_node(struct builder *b, const yaml_event_t *event, unsigned depth,
				   struct err *e);

/* The key of a map's next pair, or NULL with *end set at the end of the map. */
static const char *read_key(struct builder *b, const struct yaml_node *map, unsigned *line,
			    bool *end, struct err *e)
{
	struct yaml_node key = { .kind = YAML_NULL };
	yaml_event_t event;
	int status;

	if (next_event(b, &event, e) < 0)
		return NULL;
	*line = line_of(&event);
	*end = event.type == YAML_MAPPING_END_EVENT;
	if (*end)
		status = -1;
	else if (event.type == YAML_ALIAS_EVENT)
		status = err_set(e, "%s:%u: aliases are not supported", b->name, *line);
	else if (event.type != YAML_SCALAR_EVENT)
		status = err_set(e, "%s:%u: a key must be a word", b->name, *line);
	else
		status = read_scalar(b, &event, &key, e);
	yaml_event_delete(&event);
	if (status < 0)
		return NULL;
	if (str_equal(key.text, "<<")) {
		err_set(e, "%s:%u: merge keys (\"<<\") are not supported: write the keys out",
			b->name, *line);
		return NULL;
	}
	if (yaml_member(map, key.text)) {
		err_set(e, "%s:%u: key \"%.64s\" is there twice (first in line %u)", b->name, *line,
			key.text, yaml_member(map, key.text)->line);
		return NULL;
	}
	return key.text;
}

static int read_map(struct builder *b, struct yaml_node *map, unsigned depth, struct err *e)
{
	const struct yaml_node **tail = &map->first;
	unsigned keys = 0;

	for (;;) {
		struct yaml_node *node;
		yaml_event_t event;
		unsigned line;
		bool end = false;
		const char *key = read_key(b, map, &line, &end, e);

		if (end)
			return 0;
		if (!key)
			return -1;
		if (++keys > YAML_KEYS_MAX)
			return err_set(e, "%s:%u: more than %d keys in one map", b->name, line,
				       YAML_KEYS_MAX);
		if (next_event(b, &event, e) < 0)
			return -1;
		node = read_node(b, &event, depth, e);
		yaml_event_delete(&event);
		if (!node)
			return -1;
		node->key = key;
		node->line = line;
		*tail = node;
		tail = &node->next;
	}
}

static int read_list(struct builder *b, struct yaml_node *list, unsigned depth, struct err *e)
{
	const struct yaml_node **tail = &list->first;

	for (;;) {
		struct yaml_node *node;
		yaml_event_t event;

		if (next_event(b, &event, e) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		node = read_node(b, &event, depth, e);
		yaml_event_delete(&event);
		if (!node)
			return -1;
		node->list = list;
		*tail = node;
		tail = &node->next;
	}
}

static struct yaml_node *read_node(struct builder *b, const yaml_event_t *event, unsigned depth,
				   struct err *e)
{
	struct yaml_node *node = node_new(b, event, e);
	int status;

	if (!node)
		return NULL;
	if (depth > YAML_DEPTH_MAX) {
		err_set(e, "%s:%u: nested deeper than %d levels", b->name, node->line,
			YAML_DEPTH_MAX);
		return NULL;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		status = read_scalar(b, event, node, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		node->kind = YAML_LIST;
		status = refuse(b, event, event->data.sequence_start.anchor,
				event->data.sequence_start.tag, e);
		if (status == 0)
			status = read_list(b, node, depth + 1, e);
		break;
	case YAML_MAPPING_START_EVENT:
		node->kind = YAML_MAP;
		status = refuse(b, event, event->data.mapping_start.anchor,
				event->data.mapping_start.tag, e);
		if (status == 0)
			status = read_map(b, node, depth + 1, e);
		break;
	case YAML_ALIAS_EVENT:
		status = err_set(
			e, "%s:%u: aliases (\"*%.64s\") are not supported: write the value out",
			b->name, node->line, (const char *)event->data.alias.anchor);
		break;
	default:
		status = err_set(e, "%s:%u: unexpected YAML event", b->name, node->line);
	}
	return status < 0 ? NULL : node;
}

static struct yaml_node *read_document(struct builder *b, const yaml_event_t *start, struct err *e)
{
	const struct yaml_node *root;
	yaml_event_t event;

	if (start->data.document_start.version_directive ||
	    start->data.document_start.tag_directives.start !=
		    start->data.document_start.tag_directives.end) {
		err_set(e, "%s:%u: directives (\"%%...\") are not supported", b->name,
			line_of(start));
		return NULL;
	}
	if (next_event(b, &event, e) < 0)
		return NULL;
	root = read_node(b, &event, 1, e);
	yaml_event_delete(&event);
	if (!root || next_event(b, &event, e) < 0)	/* the end of the document */
		return NULL;
	yaml_event_delete(&event);
	return (struct yaml_node *)root;
}

static const struct yaml_node *read_stream(struct builder *b, struct err *e)
{
	struct yaml_node *root = NULL;

	for (;;) {
		yaml_event_type_t type;
		yaml_event_t event;

		if (next_event(b, &event, e) < 0)
			return NULL;
		type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT && root) {
			err_set(e, "%s:%u: a second document: one file holds one", b->name,
				line_of(&event));
			root = NULL;
		} else if (type == YAML_DOCUMENT_START_EVENT) {
			root = read_document(b, &event, e);
		} else if (type == YAML_STREAM_END_EVENT && !root) {
			root = node_new(b, &event, e);
			root->text = "";
		}
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT || (type == YAML_DOCUMENT_START_EVENT && !root))
			return root;
	}
}

const struct yaml_node *yaml_read(const char *name, const char *text, size_t size_bytes,
				  struct arena *arena, struct err *e)
{
	struct builder b = { .name = name, .arena = arena };
	const struct yaml_node *root;

	if (size_bytes > YAML_BYTES_MAX) {
		err_set(e, "%s: larger than %d KiB", name, YAML_BYTES_MAX / 1024);
		return NULL;
	}
	if (!yaml_parser_initialize(&b.parser)) {
		err_set(e, "%s: out of memory", name);
		return NULL;
	}
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, size_bytes);
	root = read_stream(&b, e);
	yaml_parser_delete(&b.parser);
	return root;
}

const struct yaml_node *yaml_member(const struct yaml_node *map, const char *key)
{
	for (const struct yaml_node *node = map->first; node; node = node->next)
		if (node->key && str_equal(node->key, key))
			return node;
	return NULL;
}

size_t yaml_count(const struct yaml_node *node)
{
	size_t count = 0;

	for (node = node->first; node; node = node->next)
		count++;
	return count;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
	static const char *const names[] = {
		[YAML_NULL] = "nothing",
		[YAML_BOOL] = "true or false",
		[YAML_INTEGER] = "a whole number",
		[YAML_REAL] = "a number",
		[YAML_STRING] = "a string",
		[YAML_LIST] = "a list",
		[YAML_MAP] = "a map",
	};

	return names[kind];
}
