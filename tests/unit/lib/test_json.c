/* test_json.c - what is refused and with which sentence, what is read exactly, and what is
 * written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/json.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct err e;

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = json_parse("config.json", text, strlen(text), &e);

	if (!doc)
		fail_msg("%s", e.text);
	return doc;
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "config.json: is empty" },
		{ "{\"a\": }", "config.json: line 1, column 7: " },
		{ "{\n\n \"a\": tru}", "config.json: line 3, column 7: " },
		{ "[1,]", NULL },
		{ "[1] 2", NULL },
		{ "{\"a\":1,}", NULL },
		{ "// c\n{}", NULL },
		{ "{'a':1}", NULL },
		{ "[NaN]", NULL },
		{ "[01]", NULL },
		{ "[+1]", NULL },
		{ "[.5]", NULL },
		{ "[1e999]", NULL },
		{ "\"\\ud800\"", NULL },
		{ "\"\xff\"", NULL },
		{ "\"\xed\xa0\x80\"", NULL },
		{ "\"\xc0\x80\"", NULL },
		{ "\"a\nb\"", NULL },
		{ "\xef\xbb\xbf{}", NULL },
		{ "\"a\\u0000b\"", "config.json: contains a NUL byte" },
		{ "{\"x\":[1,{\"k\":\"\\u0000\"}]}", "config.json: .x[1].k: contains a NUL byte" },
		{ "{\"a\\u0000b\":1}", "config.json: .a: the key contains a NUL byte" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "config.json: .a: occurs twice" },
		{ "[[],{\"x\":{\"\":1,\"\":2}}]", "config.json: [1].x[\"\"]: occurs twice" },
		{ "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":"
		  "1,\"11\":1,"
		  "\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1,\"17\":1,\"9\":1}",
		  "config.json: .9: occurs twice" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (json_parse("config.json", cases[i].text, strlen(cases[i].text), &e))
			fail_msg("taken: %s", cases[i].text);
		if (strncmp(e.text, "config.json: ", 13) != 0 ||
		    (cases[i].says && strncmp(e.text, cases[i].says, strlen(cases[i].says)) != 0))
			fail_msg("%s says: %s", cases[i].text, e.text);
	}
}

static void depth_is_bounded(void **state)
{
	static char text[400001];
	struct json_doc *doc;
	int i;

	(void)state;
	for (i = 0; i < JSON_DEPTH_MAX; i++) {
		text[i] = '[';
		text[2 * JSON_DEPTH_MAX - 1 - i] = ']';
	}
	doc = parse(text);
	json_destroy(doc);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_null(json_parse("deep", text, strlen(text), &e));
	assert_string_equal(e.text, "deep: nested deeper than 64 levels");
	memset(text, '[', 200000);
	memset(text + 200000, ']', 200000);
	assert_null(json_parse("deep", text, strlen(text), &e));
	assert_string_equal(e.text, "deep: nested deeper than 64 levels");
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
		bool u64_ok, i64_ok;
		uint64_t u64;
		int64_t i64;
	} cases[] = {
		{ "0", JSON_INTEGER, true, true, 0, 0 },
		{ "18446744073709551615", JSON_INTEGER, true, false, UINT64_MAX, 0 },
		{ "18446744073709551616", JSON_REAL, false, false, 0, 0 },
		{ "9007199254740993", JSON_INTEGER, true, true, 9007199254740993,
		  9007199254740993 },
		{ "9223372036854775807", JSON_INTEGER, true, true, INT64_MAX, INT64_MAX },
		{ "9223372036854775808", JSON_INTEGER, true, false, 9223372036854775808u, 0 },
		{ "-1", JSON_INTEGER, false, true, 0, -1 },
		{ "-9223372036854775808", JSON_INTEGER, false, true, 0, INT64_MIN },
		{ "-9223372036854775809", JSON_REAL, false, false, 0, 0 },
		{ "1.0", JSON_REAL, false, false, 0, 0 },
		{ "1e3", JSON_REAL, false, false, 0, 0 },
		{ "true", JSON_BOOL, false, false, 0, 0 },
		{ "null", JSON_NULL, false, false, 0, 0 },
		{ "\"1\"", JSON_STRING, false, false, 0, 0 },
		{ "[]", JSON_ARRAY, false, false, 0, 0 },
		{ "{}", JSON_OBJECT, false, false, 0, 0 },
	};
	struct json_doc *doc;
	struct json j;
	uint64_t u64;
	int64_t i64;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		doc = parse(cases[i].text);
		j = json_root(doc);
		assert_int_equal(json_kind(&j), cases[i].kind);
		assert_int_equal(json_as_u64(&j, &u64, &e), cases[i].u64_ok ? 0 : -1);
		assert_true(!cases[i].u64_ok || u64 == cases[i].u64);
		assert_int_equal(json_as_i64(&j, &i64, &e), cases[i].i64_ok ? 0 : -1);
		assert_true(!cases[i].i64_ok || i64 == cases[i].i64);
		json_destroy(doc);
	}
	json_destroy(NULL);
}

static const char document[] = "{\"name\":\"lab\",\"n\":5,\"neg\":-5,\"on\":true,\"nothing\":null,"
			       "\"mounts\":[{},{},{},{\"destination\":7}],\"odd key\":{\"x\":1}}";

static void sentences(void **state)
{
	struct json_doc *doc = parse(document);
	struct json root = json_root(doc), mounts, mount, odd, none;
	const char *text;
	uint64_t u64;
	int64_t i64;
	bool flag;

	(void)state;
	assert_int_equal(json_get_str(&root, "name", &text, &e), 0);
	assert_string_equal(text, "lab");
	assert_int_equal(json_get_u64(&root, "n", &u64, &e), 0);
	assert_int_equal(json_get_i64(&root, "neg", &i64, &e), 0);
	assert_int_equal(i64, -5);
	assert_int_equal(json_opt_bool(&root, "on", &flag, &e), 0);
	assert_true(flag);
	mounts = json_member(&root, "mounts");
	assert_int_equal(json_count(&mounts), 4);
	mount = json_at(&mounts, 3);
	assert_int_equal(json_get_str(&mount, "destination", &text, &e), -1);
	assert_string_equal(e.text, "config.json: .mounts[3].destination: must be a string");
	assert_int_equal(json_get_str(&mount, "source", &text, &e), -1);
	assert_string_equal(e.text, "config.json: .mounts[3].source: is missing");
	assert_int_equal(json_get_str(&mounts, "source", &text, &e), -1);
	assert_string_equal(e.text, "config.json: .mounts: must be an object");
	assert_int_equal(json_get_u64(&root, "neg", &u64, &e), -1);
	assert_string_equal(
		e.text, "config.json: .neg: must be a whole number from 0 to 18446744073709551615");
	assert_int_equal(json_opt_bool(&root, "n", &flag, &e), -1);
	assert_string_equal(e.text, "config.json: .n: must be true or false");
	assert_int_equal(json_get_str(&root, "nothing", &text, &e), -1);
	odd = json_member(&root, "odd key");
	assert_int_equal(json_get_i64(&odd, "y", &i64, &e), -1);
	assert_string_equal(e.text, "config.json: [\"odd key\"].y: is missing");
	none = json_member(&root, "none");
	none = json_at(&none, 2);
	assert_int_equal(json_kind(&none), JSON_NONE);
	assert_int_equal(json_as_str(&none, &text, &e), -1);
	assert_string_equal(e.text, "config.json: .none: is missing");
	json_destroy(doc);
}

static void optional_values(void **state)
{
	struct json_doc *doc = parse(document);
	struct json root = json_root(doc), none = json_member(&root, "none"),
		    mounts = json_member(&root, "mounts");
	const char *text = "before";
	uint64_t u64 = 77;
	int64_t i64 = 77;
	bool flag = true;

	(void)state;
	assert_int_equal(json_opt_str(&root, "nothing", &text, &e), 0);
	assert_int_equal(json_opt_str(&root, "absent", &text, &e), 0);
	assert_int_equal(json_opt_str(&none, "absent", &text, &e), 0);
	assert_string_equal(text, "before");
	assert_int_equal(json_opt_u64(&root, "absent", &u64, &e), 0);
	assert_int_equal(json_opt_i64(&root, "absent", &i64, &e), 0);
	assert_int_equal(json_opt_bool(&root, "absent", &flag, &e), 0);
	assert_true(u64 == 77 && i64 == 77 && flag);
	assert_int_equal(json_opt_str(&root, "n", &text, &e), -1);
	assert_int_equal(json_opt_u64(&root, "n", &u64, &e), 0);
	assert_true(u64 == 5);
	assert_int_equal(json_opt_str(&mounts, "x", &text, &e), -1);
	assert_string_equal(e.text, "config.json: .mounts: must be an object");
	json_destroy(doc);
}

static void unknown_keys(void **state)
{
	static const char *const known[] = { "name",	"n",	 "neg",	    "on",
					     "nothing", "mount", "odd key", NULL };
	static const char *const other[] = { "name", "n", "neg", "on", "nothing", NULL };
	static const char *const all[] = { "name",    "n",	"neg",	   "on",
					   "nothing", "mounts", "odd key", NULL };
	struct json_doc *doc = parse(document);
	struct json root = json_root(doc);

	(void)state;
	assert_int_equal(json_only_keys(&root, all, &e), 0);
	assert_int_equal(json_only_keys(&root, known, &e), -1);
	assert_string_equal(e.text, "config.json: .mounts: unknown key; did you mean mount?");
	assert_int_equal(json_only_keys(&root, other, &e), -1);
	assert_string_equal(e.text, "config.json: .mounts: unknown key");
	assert_int_equal(json_only_keys(&root, other, NULL), -1);
	root = json_member(&root, "name");
	assert_int_equal(json_only_keys(&root, all, &e), -1);
	json_destroy(doc);
}

/* Back and forth, and two levels in turn: the kept place must never answer for another
 * container. */
static void walks(void **state)
{
	struct json_doc *doc = parse("{\"a\":[[1,2],[3,4],[5,6]],\"b\":{\"x\":7,\"y\":8}}");
	struct json root = json_root(doc), rows = json_member(&root, "a"),
		    object = json_member(&root, "b"), row, cell;
	const char *key;
	uint64_t value;
	size_t i, k;

	(void)state;
	for (i = 3; i-- > 0;) {
		for (k = 0; k < 2; k++) {
			row = json_at(&rows, i);
			cell = json_at(&row, k);
			assert_int_equal(json_as_u64(&cell, &value, &e), 0);
			assert_int_equal(value, 2 * i + k + 1);
		}
	}
	for (i = 2; i-- > 0;) {
		cell = json_member_at(&object, i, &key);
		assert_int_equal(json_as_u64(&cell, &value, &e), 0);
		assert_int_equal(value, 7 + i);
		assert_string_equal(key, i ? "y" : "x");
	}
	cell = json_member_at(&object, 2, &key);
	assert_int_equal(json_kind(&cell), JSON_NONE);
	assert_string_equal(key, "");
	cell = json_at(&rows, 3);
	assert_int_equal(json_kind(&cell), JSON_NONE);
	cell = json_at(&object, 0);
	assert_int_equal(json_kind(&cell), JSON_NONE);
	json_destroy(doc);
}

static void long_walk_is_linear(void **state)
{
	enum { ITEMS = 200000 };
	struct json items, item;
	struct json_doc *doc;
	struct buf text;
	size_t i;

	(void)state;
	buf_init(&text, SIZE_MAX);
	buf_add_str(&text, "[{}");
	for (i = 1; i < ITEMS; i++)
		buf_add_str(&text, ",{}");
	buf_add_str(&text, "]");
	doc = parse(text.data);
	items = json_root(doc);
	/* A search from the front for each would be 2 x 10^10 steps: minutes. */
	for (i = 0; i < ITEMS; i++) {
		item = json_at(&items, i);
		assert_true(json_kind(&item) == JSON_OBJECT);
	}
	json_destroy(doc);
	buf_clear(&text);
	/* The same for the search of duplicate keys. */
	for (i = 0; i < ITEMS; i++)
		buf_add_format(&text, "%s\"%zu\":0", i ? "," : "{", i);
	buf_add_str(&text, "}");
	doc = parse(text.data);
	json_destroy(doc);
	buf_finish(&text);
}

static void long_paths_are_cut(void **state)
{
	enum { LEVELS = 40 };
	struct json_doc *doc;
	struct json j;
	struct buf text;
	char path[JSON_PATH_MAX], key[400];
	int i;

	(void)state;
	buf_init(&text, 1 << 16);
	for (i = 0; i < LEVELS; i++)
		buf_add_format(&text, "{\"member-number-%d\":", i);
	buf_add_str(&text, "[7]");
	for (i = 0; i < LEVELS; i++)
		buf_add_str(&text, "}");
	doc = parse(text.data);
	j = json_root(doc);
	for (i = 0; i < LEVELS; i++) {
		snprintf(key, sizeof(key), "member-number-%d", i);
		j = json_member(&j, key);
	}
	json_path(&j, path);
	assert_int_equal(strlen(path), JSON_PATH_MAX - 1);
	assert_memory_equal(path, ".member-number-0.member-number-1", 32);
	assert_non_null(strstr(path, "..."));
	assert_string_equal(path + strlen(path) - 17, ".member-number-39");
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	j = json_member(&j, key);
	json_path(&j, path);
	assert_int_equal(strlen(path), JSON_PATH_MAX - 1);
	json_destroy(doc);
	buf_finish(&text);
}

/* Of what is there, of what is missing, and of what would stand in what is missing. */
static void paths(void **state)
{
	struct json_doc *doc = parse("{\"a\":[{\"b\":1},{\"b\":[2,3]}],\"c d\":{}}");
	struct json root = json_root(doc), a = json_member(&root, "a"), one = json_at(&a, 1),
		    b = json_member(&one, "b"), three = json_at(&b, 1), four = json_at(&b, 2),
		    space = json_member(&root, "c d"), none = json_member(&space, "e"),
		    inner = json_member(&none, "f");
	const struct {
		const struct json *j;
		const char *path;
	} cases[] = {
		{ &root, "" }, { &a, ".a" }, { &one, ".a[1]" }, { &b, ".a[1].b" },
		{ &three, ".a[1].b[1]" }, { &four, ".a[1].b[2]" }, { &space, "[\"c d\"]" },
		{ &none, "[\"c d\"].e" }, { &inner, "[\"c d\"].e" },
	};
	char path[JSON_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_path(cases[i].j, path);
		assert_string_equal(path, cases[i].path);
	}
	json_destroy(doc);
}

static void writing(void **state)
{
	struct json_writer w;
	struct json_doc *doc;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_key(&w, "s");
	json_put_str(&w, "q\"b\\ n\n \x01 \x7f gr\xc3\xbc \xff \xed\xa0\x80.");
	json_key(&w, "list");
	json_begin_array(&w);
	json_put_u64(&w, UINT64_MAX);
	json_put_i64(&w, INT64_MIN);
	json_put_bool(&w, true);
	json_put_bool(&w, false);
	json_put_str(&w, NULL);
	json_begin_object(&w);
	json_end_object(&w);
	json_begin_array(&w);
	json_put_u64(&w, 1);
	json_end_array(&w);
	json_begin_array(&w);
	json_put_u64(&w, 2);
	json_end_array(&w);
	json_end_array(&w);
	json_key(&w, "k\"");
	json_put_str(&w, "");
	json_end_object(&w);
	assert_false(out.overflow);
	assert_string_equal(
		out.data,
		"{\"s\":\"q\\\"b\\\\ n\\u000a \\u0001 \x7f gr\xc3\xbc \xef\xbf\xbd "
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.\","
		"\"list\":[18446744073709551615,-9223372036854775808,true,false,null,{},[1],[2]],"
		"\"k\\\"\":\"\"}");
	doc = parse(out.data);
	json_destroy(doc);
	buf_finish(&out);
}

static void writing_is_bounded(void **state)
{
	struct json_writer w;
	struct buf out;
	int i;

	(void)state;
	buf_init(&out, 8);
	json_writer_init(&w, &out);
	json_put_str(&w, "more than eight");
	assert_true(out.overflow);
	buf_finish(&out);
	buf_init(&out, 4096);
	json_writer_init(&w, &out);
	for (i = 0; i < 64; i++)
		json_begin_array(&w);
	assert_false(out.overflow);
	json_begin_array(&w);
	assert_true(out.overflow);
	for (i = 0; i < 65; i++)
		json_end_array(&w);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sentences),
		cmocka_unit_test(optional_values),
		cmocka_unit_test(unknown_keys),
		cmocka_unit_test(walks),
		cmocka_unit_test(long_walk_is_linear),
		cmocka_unit_test(long_paths_are_cut),
		cmocka_unit_test(paths),
		cmocka_unit_test(writing),
		cmocka_unit_test(writing_is_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
