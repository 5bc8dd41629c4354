/* test_values.c - id maps and the state files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/idmap.h"
#include "box/state.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void maps(void **state)
{
	const struct oci_id_maps m = {
		.count = 2,
		.items = (struct oci_id_map[]){ { 0, 1048576, 1000 }, { 4294967000u, 5, 295 } },
	};
	static const struct {
		uint32_t inside, outside;
		bool known;
	} cases[] = {
		{ 0, 1048576, true }, { 999, 1049575, true }, { 1000, 0, false },
		{ 4294967000u, 5, true }, { 4294967294u, 299, true }, { 4294967295u, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t id = 0;

		assert_int_equal(idmap_outside(&m, cases[i].inside, &id), cases[i].known);
		if (!cases[i].known)
			continue;
		assert_int_equal(id, cases[i].outside);
		assert_true(idmap_inside(&m, cases[i].outside, &id));
		assert_int_equal(id, cases[i].inside);
	}
	uint32_t id;

	assert_false(idmap_inside(&m, 1048575, &id));
	assert_false(idmap_inside(&m, 1049576, &id));
	assert_false(idmap_inside(&m, 300, &id));
}

static void records(void **state)
{
	const struct box_run run = {
		.image = "lab",
		.id_base = 1048576,
		.pid = 12,
		.monitor_pid = 11,
		.pid_start = UINT64_MAX,
		.monitor_start = 5,
		.oom_told = 3,
	};
	const struct box_exit ended = { .status = 137,
					.oom_kills = 2,
					.log_lost_bytes = 1ull << 40,
					.said = "Traceback:\nsaid x\n\nstatus 9" };
	char path[] = "/tmp/box-state-XXXXXX";
	struct box_exit exit_read = { 0 };
	struct box_run run_read;
	struct err e;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(state_load_run(fd, &run_read, &e), -1);
	assert_int_equal(state_save_run(fd, &run, &e), 0);
	assert_int_equal(state_load_run(fd, &run_read, &e), 0);
	assert_string_equal(run_read.image, "lab");
	assert_int_equal(run_read.id_base, 1048576);
	assert_int_equal(run_read.pid, 12);
	assert_int_equal(run_read.monitor_pid, 11);
	assert_true(run_read.pid_start == UINT64_MAX && run_read.monitor_start == 5);
	assert_int_equal(run_read.oom_told, 3);
	assert_int_equal(state_save_exit(fd, &ended, &e), 0);
	assert_int_equal(state_load_exit(fd, &exit_read, &e), 0);
	assert_memory_equal(&exit_read, &ended, sizeof(ended));
	/* A number that is none is damage, not zero. */
	assert_int_equal(fs_write_atomic_at(fd, "exit", "status x\noom_kills 0\nlog_lost_bytes 0\n",
					    38, 0600, &e),
			 0);
	assert_int_equal(state_load_exit(fd, &exit_read, &e), -1);
	assert_int_equal(fs_write_atomic_at(fd, "run", "image lab\npid 1\n", 16, 0600, &e), 0);
	assert_int_equal(state_load_run(fd, &run_read, &e), -1);
	assert_string_equal(e.text, "the file run is damaged");
	close(fd);
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_remove_tree_at(fd, path + strlen("/tmp/"), &e), 0);
	close(fd);
}

static void alive(void **state)
{
	(void)state;
	assert_false(state_is_alive(getpid(), 1));
	assert_false(state_is_alive(0, 0));
	assert_false(state_is_alive(-1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps), cmocka_unit_test(records), cmocka_unit_test(alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
