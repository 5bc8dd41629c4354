/* test_outlog.c - the container's log: what a line becomes, the bound, the disk that takes nothing;
 * and the copy of a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/outlog.h"
#include "box/tree_copy.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char path[64];
static int dir_fd;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	strcpy(path, "/tmp/box-log-XXXXXX");
	if (!mkdtemp(path))
		return -1;
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	int tmp_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(dir_fd);
	fs_remove_tree_at(tmp_fd, path + strlen("/tmp/"), &e);
	close(tmp_fd);
	return 0;
}

static char *content(const char *name, size_t *size)
{
	char *text = fs_read_at(dir_fd, name, 1 << 22, size, &e);

	if (!text)
		fail_msg("%s", e.text);
	return text;
}

static void lines(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain\n", "{\"log\":\"plain\\n\",\"stream\":\"stdout\",\"time\":\"" },
		{ "no end", "{\"log\":\"no end\",\"stream\":\"stdout\",\"time\":\"" },
		{ "\"\\/\n", "{\"log\":\"\\\"\\\\/\\n\",\"stream\":\"stdout\",\"time\":\"" },
		{ "\x1b[2J\t\r\x7f\n",
		  "{\"log\":\"\\u001b[2J\\u0009\\u000d\\u007f\\n\",\"stream\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "{\"log\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"," },
		{ "a\xff\xc3(\xed\xa0\x80", "{\"log\":\"a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd\"," },
		{ "\",\"stream\":\"stderr",
		  "{\"log\":\"\\\",\\\"stream\\\":\\\"stderr\",\"stream\":\"stdout\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct outlog log;
		struct json_doc *doc;
		size_t size;

		unlinkat(dir_fd, "log", 0);
		assert_int_equal(outlog_open(&log, dir_fd, 1 << 20, &e), 0);
		outlog_put(&log, "stdout", cases[i].in, strlen(cases[i].in));
		outlog_close(&log);
		char *text = content("log", &size);

		assert_int_equal(strncmp(text, cases[i].out, strlen(cases[i].out)), 0);
		assert_int_equal(text[size - 1], '\n');
		doc = json_parse("log", text, size, &e);
		if (!doc)
			fail_msg("%s", e.text);
		json_destroy(doc);
		free(text);
	}
}

static void bound(void **state)
{
	enum { MAX = 200000, LINES = 5000 };
	struct outlog log;
	size_t size, old_size;
	char line[128];

	(void)state;
	assert_int_equal(outlog_open(&log, dir_fd, MAX, &e), 0);
	for (int i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "line %d\n", i);

		if (i == LINES / 2) {	/* a new boxmon goes on where the old one was */
			outlog_close(&log);
			assert_int_equal(outlog_open(&log, dir_fd, MAX, &e), 0);
		}
		outlog_put(&log, "stderr", line, (size_t)n);
	}
	outlog_close(&log);
	char *text = content("log", &size), *old = content("log.1", &old_size);

	assert_true(size + old_size <= MAX);
	assert_true(size + old_size > MAX / 2);
	assert_non_null(strstr(text, "line 4999\\n"));
	assert_int_equal(log.lost_bytes, 0);
	free(text);
	free(old);
}

static void no_disk(void **state)
{
	struct outlog log;

	(void)state;
	assert_int_equal(outlog_open(&log, dir_fd, 1 << 20, &e), 0);
	close(log.fd);
	log.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	outlog_put(&log, "stdout", "lost\n", 5);
	outlog_put(&log, "stdout", "lost\n", 5);
	assert_int_equal(log.lost_bytes, 10);
	outlog_close(&log);
}

static void copied(void **state)
{
	const struct oci_id_maps uids = { .count = 1,
					  .items = (struct oci_id_map[]){ { 0, getuid(), 1 } } };
	const struct oci_id_maps gids = { .count = 1,
					  .items = (struct oci_id_map[]){ { 0, getgid(), 1 } } };
	const struct tree_copy copy = { .uid_maps = &uids, .gid_maps = &gids };
	char command[512];
	int from_fd, to_fd;

	(void)state;
	snprintf(
		command, sizeof(command),
		"cd %s && mkdir -p a/sub/deep b && echo text >a/sub/file && chmod 640 a/sub/file "
		"&& "
		"ln -s /etc/passwd a/link && ln -s ../.. a/sub/up && mkfifo a/fifo && chmod 1755 a",
		path);
	assert_int_equal(system(command), 0);
	from_fd = fs_open_dir_at(dir_fd, "a", &e);
	to_fd = fs_open_dir_at(dir_fd, "b", &e);
	/* As root the ids are set to the plain ones of the map, here 0; as a user that would fail.
	 */
	if (getuid() == 0 && tree_copy(&copy, from_fd, to_fd, &e))
		fail_msg("%s", e.text);
	if (getuid() == 0) {
		snprintf(command, sizeof(command),
			 "cd %s && rm a/fifo && (cd a && find . -printf '%%p %%m %%y %%l\\n' | "
			 "sort) >x && "
			 "(cd b && find . -printf '%%p %%m %%y %%l\\n' | sort) >y && cmp x y && "
			 "cmp a/sub/file b/sub/file",
			 path);
		assert_int_equal(system(command), 0);
		assert_int_equal(tree_copy(&copy, from_fd, to_fd, &e),
				 -1); /* never over what is there */
	}
	close(from_fd);
	close(to_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(copied, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
