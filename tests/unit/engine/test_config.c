/* test_config.c - what comes from outside: config, kernel command line, token, batch, image,
 * addresses. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/batch.h"
#include "engine/cmdline.h"
#include "engine/config.h"
#include "engine/image.h"
#include "engine/ready.h"
#include "engine/report.h"
#include "engine/token.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "oci/port_map.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void config_with_everything(void **state)
{
	static const char text[] =
		"{\"token\":\"abc\",\"url\":\"http://127.0.0.1:8889\",\"nb_uid\":501,\"nb_gid\":20,"
		"\"mem_limit_bytes\":3221225472,\"batch\":\"work/digits.ipynb\"}";
	struct arena *arena = arena_create(1 << 20);
	struct config config;
	struct err e = { .text = "" };

	(void)state;
	if (config_read(&config, text, strlen(text), arena, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(config.token, "abc");
	assert_string_equal(config.url, "http://127.0.0.1:8889");
	assert_true(config.nb_uid == 501 && config.nb_gid == 20);
	assert_true(config.mem_limit_bytes == 3221225472);
	assert_string_equal(config.batch, "work/digits.ipynb");
	assert_int_equal(config_read(&config, "{}", 2, arena, &e), 0);
	assert_null(config.token);
	assert_null(config.batch);
	assert_true(config.nb_uid == 1000 && config.nb_gid == 100 && config.mem_limit_bytes == 0);
	arena_destroy(arena);
}

static void config_mistakes(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "config" },
		{ "[]", "config: must be a JSON object" },
		{ "{\"tokn\":\"x\"}", "did you mean token" },
		{ "{\"token\":\"\"}",
		  "token: is empty: a notebook without a token is open to everybody" },
		{ "{\"token\":\"a b\"}", "token: may hold letters" },
		{ "{\"token\":\"a&b\"}", "token: may hold letters" },
		{ "{\"token\":5}", "token" },
		{ "{\"url\":\"127.0.0.1:80\"}", "url: must be like" },
		{ "{\"url\":\"http://a/b\"}", "url: must be like" },
		{ "{\"url\":\"http://\"}", "url: must be like" },
		{ "{\"nb_uid\":0}", "nb_uid: must be a number from 1 to 65535" },
		{ "{\"nb_uid\":\"501\"}", "nb_uid" },
		{ "{\"nb_gid\":65536}", "nb_gid: must be a number from 1 to 65535" },
		{ "{\"mem_limit_bytes\":1}", "mem_limit_bytes: must be at least" },
		{ "{\"mem_limit_bytes\":-1}", "mem_limit_bytes" },
		{ "{\"batch\":\"/etc/passwd\"}", "batch: must be a path relative" },
		{ "{\"batch\":\"\"}", "batch: must be a path relative" },
		{ "{\"batch\":\"work/../../x\"}", "batch: work/../../x leads out" },
		{ "{\"batch\":\"..\"}", "batch: .. leads out" },
		{ "{\"token\":\"a\",\"token\":\"b\"}", "token" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct config config;
		struct err e = { .text = "" };

		if (config_read(&config, rows[i].text, strlen(rows[i].text), arena, &e) == 0)
			fail_msg("taken: %s", rows[i].text);
		if (!strstr(e.text, rows[i].error))
			fail_msg("%s: wanted \"%s\", got \"%s\"", rows[i].text, rows[i].error,
				 e.text);
		arena_destroy(arena);
	}
}

/* A batch can be ended with a status even when the rest of the config is wrong. */
static void batch_is_known_despite_a_mistake(void **state)
{
	static const char text[] = "{\"batch\":\"work/a.py\",\"wrong\":1}";
	struct arena *arena = arena_create(1 << 20);
	struct config config;
	struct err e;

	(void)state;
	assert_int_equal(config_read(&config, text, strlen(text), arena, &e), -1);
	assert_string_equal(config.batch, "work/a.py");
	arena_destroy(arena);
}

static void batch_commands(void **state)
{
	static const struct {
		const char *path, *argument;	/* NULL = refused */
	} rows[] = {
		{ "work/a.ipynb", "work/a.ipynb" }, { "a b.py", "a b.py" }, { "-x.py", "./-x.py" },
		{ "work/..a/b", "work/..a/b" },	    { "a/../b", NULL },	    { "a/..", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create(1 << 20);
		bool taken = batch_check(rows[i].path, NULL) == 0;

		assert_int_equal(taken, rows[i].argument != NULL);
		if (taken) {
			const char *const *command = batch_command(rows[i].path, arena);

			assert_string_equal(command[0], "cuvette-batch");
			assert_string_equal(command[1], rows[i].argument);
			assert_null(command[2]);
		}
		arena_destroy(arena);
	}
}

static void command_line_words(void **state)
{
	static const struct {
		const char *text;
		bool off;
	} rows[] = {
		{ "console=ttyS0 cuvette.lab=off\n", true }, { "cuvette.lab=off", true },
		{ "cuvette.lab=offf", false },		     { "xcuvette.lab=off", false },
		{ "cuvette.lab=on", false },		     { "", false },
		{ "a -- cuvette.lab=off", false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		if (cmdline_has(rows[i].text, "cuvette.lab=off") != rows[i].off)
			fail_msg("%s", rows[i].text);
}

static void tokens_are_random_and_fit_a_url(void **state)
{
	char a[TOKEN_TEXT_BYTES], b[TOKEN_TEXT_BYTES];

	(void)state;
	token_make(a);
	token_make(b);
	assert_int_equal(strlen(a), 48);
	assert_int_equal(strspn(a, "0123456789abcdef"), 48);
	assert_string_not_equal(a, b);
	assert_int_equal(token_check(a, NULL), 0);
}

static void images(void **state)
{
	static const char whole[] =
		"{\"schema\":1,\"name\":\"lab\",\"digest\":\"sha256:ab\",\"layers\":[\"layers/"
		"0.erofs\"],\"config\":{"
		"\"Env\":[\"PATH=/"
		"bin\"],\"Entrypoint\":[\"start.sh\"],\"Cmd\":null,\"User\":\"1000:100\","
		"\"WorkingDir\":\"/home/jovyan\",\"ExposedPorts\":{\"8888/tcp\":{},"
		"\"9/sctp\":{},\"x\":{},\"53/udp\":null}}}";
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "{", "image lab: image.json" },
		{ "{\"digest\":\"x\",\"config\":{}}", "schema" },
		{ "{\"schema\":2,\"digest\":\"x\",\"config\":{}}",
		  "schema 2 is not known to this release" },
		{ "{\"schema\":1,\"config\":{}}", "digest" },
		{ "{\"schema\":1,\"digest\":\"x\"}", "config must be an object" },
		{ "{\"schema\":1,\"digest\":\"x\",\"config\":{\"Env\":\"a\"}}",
		  "config.Env must be a list" },
		{ "{\"schema\":1,\"digest\":\"x\",\"config\":{\"Cmd\":[5]}}", "Cmd" },
	};
	struct arena *arena = arena_create(1 << 20);
	struct image image;
	struct err e = { .text = "" };

	(void)state;
	if (image_parse(&image, "lab", whole, strlen(whole), arena, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(image.digest, "sha256:ab");
	assert_string_equal(image.environment[0], "PATH=/bin");
	assert_string_equal(image.entrypoint[0], "start.sh");
	assert_null(image.command);
	assert_string_equal(image.user, "1000:100");
	assert_string_equal(image.stop_signal, "");
	assert_int_equal(image.exposed_count, 2);
	assert_int_equal(image.exposed[0].container_first, 8888);
	assert_int_equal(image.exposed[1].protocol, IPPROTO_UDP);
	for (size_t i = 0; i < ROWS(rows); i++) {
		assert_int_equal(image_parse(&image, "lab", rows[i].text, strlen(rows[i].text),
					     arena, &e),
				 -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("%s: %s", rows[i].text, e.text);
	}
	arena_destroy(arena);
}

static void probe_addresses(void **state)
{
	static const struct {
		const char *url, *host;		/* NULL = refused */
		unsigned port;
		const char *path;
	} rows[] = {
		{ "http://127.0.0.1:8888/api", "127.0.0.1", 8888, "/api" },
		{ "http://localhost:80", "127.0.0.1", 80, "/" },
		{ "http://10.0.0.1/a?b=c", "10.0.0.1", 80, "/a?b=c" },
		{ "https://127.0.0.1/", NULL, 0, NULL },
		{ "http://example.org/", NULL, 0, NULL },
		{ "http://127.0.0.1:0/", NULL, 0, NULL },
		{ "http://127.0.0.1:65536/", NULL, 0, NULL },
		{ "http://127.0.0.1:/", NULL, 0, NULL },
		{ "http://127.0.0.1/a b", NULL, 0, NULL },
		{ "http://127.0.0.1/a\r\nX: y", NULL, 0, NULL },
		{ "http://", NULL, 0, NULL },
		{ "", NULL, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ready_target target;
		bool taken = ready_parse(rows[i].url, &target, NULL) == 0;

		if (taken != (rows[i].host != NULL))
			fail_msg("%s", rows[i].url);
		if (!taken)
			continue;
		assert_string_equal(target.host, rows[i].host);
		assert_int_equal(target.port, rows[i].port);
		assert_string_equal(target.path, rows[i].path);
	}
}

static void probe_answers(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "", -1 },
		{ "HTTP/1.1", -1 },
		{ "HTTP/1.1 200", -1 },
		{ "HTTP/1.1 200 OK\r\n", 1 },
		{ "HTTP/1.0 200\r\n", 1 },
		{ "HTTP/1.1 2000", 0 },
		{ "HTTP/1.1 404 Not", 0 },
		{ "HTTP/2 200", 0 },
		{ "SSH-2.0", 0 },
		{ "HTTP/1.1 302 Found", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		if (ready_status(rows[i].text, strlen(rows[i].text)) != rows[i].status)
			fail_msg("%s", rows[i].text);
}

static void sizes_as_people_write_them(void **state)
{
	char text[REPORT_SIZE_BYTES];

	(void)state;
	assert_string_equal(report_size(text, 1536ull << 20), "1.5 GiB");
	assert_string_equal(report_size(text, 2ull << 30), "2 GiB");
	assert_string_equal(report_size(text, 768ull << 20), "768 MiB");
	assert_string_equal(report_size(text, 64ull << 30), "64 GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_with_everything),
		cmocka_unit_test(config_mistakes),
		cmocka_unit_test(batch_is_known_despite_a_mistake),
		cmocka_unit_test(batch_commands),
		cmocka_unit_test(command_line_words),
		cmocka_unit_test(tokens_are_random_and_fit_a_url),
		cmocka_unit_test(images),
		cmocka_unit_test(probe_addresses),
		cmocka_unit_test(probe_answers),
		cmocka_unit_test(sizes_as_people_write_them),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
