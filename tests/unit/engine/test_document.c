/* test_document.c - the engine's memory on disk: written, read back, set aside when it is broken.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/document.h"
#include "engine/token.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

static char folder[] = "/tmp/cuvette-document-XXXXXX";
static int dir_fd = -1;

static int set_up(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	AUTO_FD int tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	fd_close(&dir_fd);
	return fs_remove_tree_at(tmp_fd, folder + strlen("/tmp/"), NULL);
}

static const struct document sample = {
	.name = "lab",
	.image = "lab",
	.image_digest = "sha256:ab",
	.revision = "0123456789abcdef",
	.state = "running",
	.slot = 3,
	.restarts = 4,
	.exit_status = 137,
	.oom_kills = UINT64_MAX,
	.ports = { { "lab tcp :0-0 80", 49153 }, { "lab udp ::1:7-9 7", 65535 } },
	.port_count = 2,
};

static void write_and_read_back(void **state)
{
	struct document read[2];
	struct err e = { .text = "" };

	(void)state;
	if (document_write(dir_fd, &sample, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(document_read_all(dir_fd, read, 2), 1);
	assert_string_equal(read[0].name, "lab");
	assert_string_equal(read[0].image_digest, "sha256:ab");
	assert_string_equal(read[0].revision, "0123456789abcdef");
	assert_string_equal(read[0].state, "running");
	assert_true(read[0].slot == 3 && read[0].restarts == 4 && read[0].exit_status == 137);
	assert_true(read[0].oom_kills == UINT64_MAX);
	assert_int_equal(read[0].port_count, 2);
	assert_string_equal(read[0].ports[0].key, "lab tcp :0-0 80");
	assert_true(read[0].ports[0].port == 49153 && read[0].ports[1].port == 65535);
	assert_int_equal(document_remove(dir_fd, "lab", &e), 0);
	assert_int_equal(document_remove(dir_fd, "lab", &e), 0);
	assert_int_equal(document_read_all(dir_fd, read, 2), 0);
}

static void put(const char *name, const char *text)
{
	assert_int_equal(fs_write_atomic_at(dir_fd, name, text, strlen(text), 0600, NULL), 0);
}

static void broken_ones_are_set_aside(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"null",
		"\xff\xfe",
		"{\"schema\":2,\"name\":\"a\"}",
		"{\"schema\":1,\"name\":\"../"
		"a\",\"image\":\"\",\"image_digest\":\"\",\"revision\":\"\",\"state\":\"\","
		"\"slot\":0,\"restarts\":0,\"exit_status\":0,\"oom_kills\":0}",
		"{\"schema\":1,\"name\":\"other\",\"image\":\"\",\"image_digest\":\"\","
		"\"revision\":\"\",\"state\":\"\","
		"\"slot\":0,\"restarts\":0,\"exit_status\":0,\"oom_kills\":0}",
		"{\"schema\":1,\"name\":\"a\",\"image\":\"\",\"image_digest\":\"\",\"revision\":"
		"\"\",\"state\":\"\","
		"\"slot\":64,\"restarts\":0,\"exit_status\":0,\"oom_kills\":0}",
	};
	struct document read[4];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("a.json", texts[i]);
		put("ignored.tmp", "x");
		assert_int_equal(document_write(dir_fd, &sample, NULL), 0);
		if (document_read_all(dir_fd, read, 4) != 1 || strcmp(read[0].name, "lab") != 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(faccessat(dir_fd, "a.json", F_OK, 0), -1);
		assert_int_equal(faccessat(dir_fd, "a.json.bad", F_OK, 0), 0);
	}
}

#define W50 "01234567890123456789012345678901234567890123456789"

static void broken_ports(void **state)
{
	static const char head[] =
		"{\"schema\":1,\"name\":\"a\",\"image\":\"\",\"image_digest\":\"\",\"revision\":"
		"\"\",\"state\":\"\",\"slot\":0,\"restarts\":0,\"exit_status\":0,\"oom_kills\":0";
	static const char *const cases[] = {
		"7",
		"{}",
		"\"\"",
		"[7]",
		"[{}]",
		"[{\"key\":\"a\"}]",
		"[{\"port\":7}]",
		"[{\"key\":7,\"port\":7}]",
		"[{\"key\":\"a\",\"port\":0}]",
		"[{\"key\":\"a\",\"port\":65536}]",
		"[{\"key\":\"a\",\"port\":-1}]",
		"[{\"key\":\"a\",\"port\":\"7\"}]",
		"[{\"key\":\"" W50 W50 W50 W50 "\",\"port\":7}]",
		"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
	};
	char text[1024], ports[512];
	struct document d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(ports, sizeof(ports), "%s", cases[i]);
		snprintf(text, sizeof(text), "%s,\"ports\":%s}", head, ports);
		if (document_parse(&d, "a.json", text, strlen(text), NULL) == 0)
			fail_msg("case %zu was taken", i);
	}
	snprintf(text, sizeof(text), "%s}", head);
	assert_int_equal(document_parse(&d, "a.json", text, strlen(text), NULL), 0);
	assert_int_equal(d.port_count, 0);
}

/* A copied document: its container would share its ids with the other. */
static void one_container_per_slot(void **state)
{
	static const char *const names[] = { "web", "lab", "db", "lab2" };
	struct document d = sample, read[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		strcpy(d.name, names[i]);
		d.slot = i == 2 ? 7 : 3;
		assert_int_equal(document_write(dir_fd, &d, NULL), 0);
	}
	assert_int_equal(document_read_all(dir_fd, read, 4), 2);
	assert_string_equal(read[0].name, "db");
	assert_string_equal(read[1].name, "lab");
	assert_int_equal(read[0].slot, 7);
	/* Nothing is touched. */
	assert_int_equal(faccessat(dir_fd, "web.json", F_OK, 0), 0);
	assert_int_equal(faccessat(dir_fd, "lab2.json", F_OK, 0), 0);
	assert_int_equal(document_remove(dir_fd, "lab", NULL), 0);
	assert_int_equal(document_read_all(dir_fd, read, 4), 2);
	assert_string_equal(read[1].name, "lab2");
}

static void no_more_than_there_is_room_for(void **state)
{
	struct document d = sample, read[2];

	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(d.name, sizeof(d.name), "n%d", i);
		d.slot = (uint32_t)i;
		assert_int_equal(document_write(dir_fd, &d, NULL), 0);
	}
	assert_int_equal(document_read_all(dir_fd, read, 2), 2);
}

static void token_of_this_boot_only(void **state)
{
	char made[TOKEN_TEXT_BYTES], found[TOKEN_TEXT_BYTES];

	(void)state;
	assert_false(token_recall(dir_fd, "boot-1", found));
	token_make(made);
	assert_int_equal(token_keep(dir_fd, "boot-1", made, NULL), 0);
	assert_true(token_recall(dir_fd, "boot-1", found));
	assert_string_equal(found, made);
	assert_false(token_recall(dir_fd, "boot-2", found));
	put("token.json", "{\"boot_id\":\"boot-1\",\"token\":\"\"}");
	assert_false(token_recall(dir_fd, "boot-1", found));
	put("token.json", "garbage");
	assert_false(token_recall(dir_fd, "boot-1", found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(write_and_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_ones_are_set_aside, set_up, tear_down),
		cmocka_unit_test(broken_ports),
		cmocka_unit_test_setup_teardown(one_container_per_slot, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_more_than_there_is_room_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(token_of_this_boot_only, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
