/* test_network_document.c - a network's document: what is written is read, what is broken is set
 * aside. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/document.h"
#include "engine/network_document.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

static int parse(const char *text)
{
	struct network_document d;
	struct err e;

	return network_document_parse(&d, "net.json", text, strlen(text), &e);
}

static void broken_ones(void **state)
{
	static const char *const broken[] = {
		"",
		"[]",
		"{\"schema\":2,\"name\":\"net\"}",
		"{\"schema\":1}",
		"{\"schema\":1,\"name\":\"../net\"}",
		"{\"schema\":1,\"name\":\"other\"}",
		"{\"schema\":1,\"name\":\"net\",\"subnet4\":5}",
		"{\"schema\":1,\"name\":\"net\",\"subnet4\":\"172.18.0.1/16\"}",
		"{\"schema\":1,\"name\":\"net\",\"subnet4\":\"172.18.0.1\"}",
		"{\"schema\":1,\"name\":\"net\",\"subnet4\":\"fd00::/64\"}",
		"{\"schema\":1,\"name\":\"net\",\"subnet6\":\"10.0.0.0/8\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (parse(broken[i]) == 0)
			fail_msg("taken: %s", broken[i]);
	assert_int_equal(parse("{\"schema\":1,\"name\":\"net\"}"), 0);
}

static void written_is_read(void **state)
{
	struct network_document d = { .name = "net" }, all[4];
	char folder[] = "/tmp/cuvette-network-XXXXXX", text[SUBNET_TEXT_MAX];
	AUTO_FD int tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int bad_fd = -1, dir_fd = -1;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(subnet_parse("172.18.0.0/16", &d.subnet4));
	assert_true(subnet_parse("fd00:1::/64", &d.subnet6));
	assert_int_equal(network_document_write(dir_fd, &d, NULL), 0);
	bad_fd = openat(dir_fd, "bad.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(bad_fd, "{", 1), 1);
	assert_int_equal(network_document_read_all(dir_fd, all, 4), 1);
	assert_string_equal(all[0].name, "net");
	assert_string_equal(subnet_print(&all[0].subnet4, text), "172.18.0.0/16");
	assert_string_equal(subnet_print(&all[0].subnet6, text), "fd00:1::/64");
	assert_int_equal(faccessat(dir_fd, "bad.json.bad", F_OK, 0), 0);
	assert_int_equal(document_remove(dir_fd, "net", NULL), 0);
	assert_int_equal(document_remove(dir_fd, "net", NULL), 0);
	assert_int_equal(network_document_read_all(dir_fd, all, 4), 0);
	assert_int_equal(fs_remove_tree_at(tmp_fd, folder + strlen("/tmp/"), NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_ones),
		cmocka_unit_test(written_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("network_document", tests, NULL, NULL);
}
