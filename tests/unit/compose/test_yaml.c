/* test_yaml.c - the strict YAML profile: what is taken, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/err.h"

static const struct {
	const char *text;
	enum yaml_kind kind;
} scalars[] = {
	{ "a: null", YAML_NULL },
	{ "a: ~", YAML_NULL },
	{ "a:", YAML_NULL },
	{ "a: true", YAML_BOOL },
	{ "a: FALSE", YAML_BOOL },
	{ "a: yes", YAML_STRING },
	{ "a: no", YAML_STRING },
	{ "a: on", YAML_STRING },
	{ "a: 12", YAML_INTEGER },
	{ "a: -12", YAML_INTEGER },
	{ "a: 0o17", YAML_INTEGER },
	{ "a: 0xff", YAML_INTEGER },
	{ "a: 1.5", YAML_REAL },
	{ "a: 1e3", YAML_REAL },
	{ "a: .5", YAML_REAL },
	{ "a: '12'", YAML_STRING },
	{ "a: \"true\"", YAML_STRING },
	{ "a: ''", YAML_STRING },
	{ "a: 1.5g", YAML_STRING },
	{ "a: 22:22", YAML_STRING },
	{ "a: 2001-01-01", YAML_STRING },
	{ "a: .", YAML_STRING },
	{ "a: +", YAML_STRING },
	{ "a: inf", YAML_STRING },
	{ "a: [1, 2]", YAML_LIST },
	{ "a: {b: 1}", YAML_MAP },
	{ "a: |\n  x\n  y\n", YAML_STRING },
	{ "a:\n- 1\n- 2\n", YAML_LIST },
};

static void kinds_of_scalars(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e = { .text = "" };
		const struct yaml_node *root =
			yaml_read("f", scalars[i].text, strlen(scalars[i].text), arena, &e);

		if (!root || !root->first || root->first->kind != scalars[i].kind)
			fail_msg("%s: kind %d, %s", scalars[i].text,
				 root && root->first ? (int)root->first->kind : -1, e.text);
		arena_destroy(arena);
	}
}

static const struct {
	const char *text, *error;
} refused[] = {
	{ "a: &x 1", "f:1: anchors are not supported" },
	{ "a: &x 1\nb: *x", "f:1: anchors are not supported" },
	{ "a: *x", "f:1: aliases (\"*x\") are not supported" },
	{ "*x : 1", "f:1: aliases are not supported" },
	{ "a: !!str 1", "f:1: tags (\"tag:yaml.org,2002:str\") are not supported" },
	{ "a: !x 1", "f:1: tags (\"!x\") are not supported" },
	{ "a: !x [1]", "f:1: tags" },
	{ "a: !x {b: 1}", "f:1: tags" },
	{ "a: ! 1", "f:1: tags (\"!\")" },
	{ "a: &x [1]", "f:1: anchors" },
	{ "&x a: 1", "f:1: anchors" },
	{ "b: 1\n<<: {a: 1}", "f:2: merge keys" },
	{ "a: 1\nb: 2\na: 3", "f:3: key \"a\" is there twice (first in line 1)" },
	{ "a: {b: 1, b: 2}", "f:1: key \"b\" is there twice" },
	{ "[a]: 1", "f:1: a key must be a word" },
	{ "{a: 1}: 1", "f:1: a key must be a word" },
	{ "a: 1\n---\nb: 2", "f:2: a second document" },
	{ "%YAML 1.1\n---\na: 1", "f:1: directives" },
	{ "%TAG ! tag:x,2000:\n---\na: 1", "f:1: directives" },
	{ "a: \"\\0\"", "f:1: a value holds a NUL" },
	{ "a: [1", "not valid YAML: " },
	{ "a: 1\n b: 2", "not valid YAML: " },
	{ "a: '", "not valid YAML: " },
	{ "\ta: 1", "not valid YAML: " },
	{ "a: \xff", "not valid YAML: " },
};

static void profile_is_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e = { .text = "" };

		if (yaml_read("f", refused[i].text, strlen(refused[i].text), arena, &e))
			fail_msg("taken: %s", refused[i].text);
		if (!strstr(e.text, refused[i].error))
			fail_msg("%s: wanted \"%s\", got \"%s\"", refused[i].text, refused[i].error,
				 e.text);
		arena_destroy(arena);
	}
}

/* prefix, count times unit, suffix */
static char *repeat(const char *prefix, const char *unit, size_t count, const char *suffix)
{
	size_t unit_size = strlen(unit), at = strlen(prefix);
	char *text = malloc(at + unit_size * count + strlen(suffix) + 1);

	memcpy(text, prefix, at);
	for (size_t i = 0; i < count; i++, at += unit_size)
		memcpy(text + at, unit, unit_size);
	strcpy(text + at, suffix);
	return text;
}

static void limits_hold(void **state)
{
	static const struct {
		const char *prefix, *unit, *suffix;
		size_t count;
		const char *error;
	} cases[] = {
		{ "a: ", "[", "", YAML_DEPTH_MAX + 1, "f:1: nested deeper than 32 levels" },
		{ "a: ", "[", "", 100000, "f:1: nested deeper than 32 levels" },
		{ "a: ", "{a: ", "", 60000, "f:1: nested deeper than 32 levels" },
		{ "a: [", "1,", "]", YAML_NODES_MAX, "f:1: more than 16384 values" },
		{ "# ", "x", "\na: 1", YAML_BYTES_MAX, "f: larger than 256 KiB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_create(16 << 20);
		struct err e = { .text = "" };
		char *text =
			repeat(cases[i].prefix, cases[i].unit, cases[i].count, cases[i].suffix);

		assert_null(yaml_read("f", text, strlen(text), arena, &e));
		if (strncmp(e.text, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("case %zu: wanted \"%s\", got \"%s\"", i, cases[i].error, e.text);
		free(text);
		arena_destroy(arena);
	}
}

static void deepest_allowed(void **state)
{
	struct arena *arena = arena_create(1 << 20);
	struct err e;
	char *open = repeat("a: ", "[", YAML_DEPTH_MAX - 1, "");
	char *text = repeat(open, "]", YAML_DEPTH_MAX - 1, "\n");

	(void)state;
	assert_non_null(yaml_read("f", text, strlen(text), arena, &e));
	free(open);
	free(text);
	arena_destroy(arena);
}

static void lines_and_order(void **state)
{
	static const char text[] = "# comment\na: 1\n\nb:\n  - x\n  -\n    c: y\n";
	struct arena *arena = arena_create(1 << 20);
	struct err e;
	const struct yaml_node *root = yaml_read("f", text, strlen(text), arena, &e), *b;

	(void)state;
	assert_non_null(root);
	assert_int_equal(yaml_count(root), 2);
	assert_int_equal(yaml_member(root, "a")->line, 2);
	assert_string_equal(yaml_member(root, "a")->text, "1");
	b = yaml_member(root, "b");
	assert_int_equal(b->line, 4);
	assert_int_equal(b->first->line, 5);
	assert_int_equal(yaml_member(b->first->next, "c")->line, 7);
	assert_null(yaml_member(root, "c"));
	arena_destroy(arena);
}

static void empty_documents(void **state)
{
	static const char *const texts[] = { "", "\n", "# only a comment\n", "---\n",
					     "---\n...\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e = { .text = "" };
		const struct yaml_node *root =
			yaml_read("f", texts[i], strlen(texts[i]), arena, &e);

		if (!root || root->kind != YAML_NULL)
			fail_msg("case %zu: %s", i, e.text);
		arena_destroy(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_scalars), cmocka_unit_test(profile_is_strict),
		cmocka_unit_test(limits_hold),	    cmocka_unit_test(deepest_allowed),
		cmocka_unit_test(lines_and_order),  cmocka_unit_test(empty_documents),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
