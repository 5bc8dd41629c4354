/* test_values.c - limits as cgroup files, id maps, and the state files. */
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

#include "box/cgroup_values.h"
#include "box/idmap.h"
#include "box/state.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void limits(void **state)
{
	static const struct {
		struct oci_resources r;
		const char *files;
	} cases[] = {
		{ { 0 }, "" },
		{ { .memory_limit_bytes = 1000 },
		  "memory.max=1000 memory.swap.max=0 memory.oom.group=0 " },
		{ { .memory_limit_bytes = 1000, .memory_swap_bytes = 1000 },
		  "memory.max=1000 memory.swap.max=0 memory.oom.group=0 " },
		{ { .memory_limit_bytes = 1000, .memory_swap_bytes = 1500 },
		  "memory.max=1000 memory.swap.max=500 memory.oom.group=0 " },
		{ { .memory_limit_bytes = 1000, .memory_swap_bytes = -1 },
		  "memory.max=1000 memory.swap.max=max memory.oom.group=0 " },
		{ { .memory_limit_bytes = -1 }, "memory.max=max " },
		{ { .memory_reservation_bytes = 7 }, "memory.low=7 " },
		{ { .cpu_quota_us = 50000 }, "cpu.max=50000 100000 " },
		{ { .cpu_quota_us = 50000, .cpu_period_us = 1000 }, "cpu.max=50000 1000 " },
		{ { .cpu_quota_us = -1 }, "cpu.max=max 100000 " },
		{ { .cpu_shares = 2 }, "cpu.weight=1 " },
		{ { .cpu_cpus = "0-3,7", .cpu_mems = "0" }, "cpuset.cpus=0-3,7 cpuset.mems=0 " },
		{ { .pids_limit = -1 }, "pids.max=max " },
		{ { INT64_MAX, -1, INT64_MAX, INT64_MAX, INT64_MAX, 1000000, 262144, "0", "0" },
		  "memory.max=9223372036854775807 memory.low=9223372036854775807 "
		  "memory.swap.max=max "
		  "memory.oom.group=0 cpu.max=9223372036854775807 1000000 cpu.weight=10000 "
		  "cpuset.cpus=0 cpuset.mems=0 pids.max=9223372036854775807 " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cgroup_values v;
		char text[1024] = "";
		size_t at = 0;

		cgroup_values_make(&v, &cases[i].r);
		for (size_t k = 0; k < v.count; k++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s=%s ",
					       v.items[k].file, cgroup_value_text(&v.items[k]));
		assert_string_equal(text, cases[i].files);
	}
}

static void weights(void **state)
{
	static const uint64_t cases[][2] = {
		{ 2, 1 }, { 1024, 100 }, { 262144, 10000 }, { 512, 59 }, { 2048, 174 }, { 768, 79 },
		{ 0, 1 }, { 1, 1 }, { UINT64_MAX, 10000 },
	};
	unsigned before = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(cgroup_weight(cases[i][0]), cases[i][1]);
	for (uint64_t shares = 2; shares <= 262144; shares++) {
		unsigned weight = cgroup_weight(shares);

		assert_true(weight >= before && weight <= 10000);
		before = weight;
	}
}

static void maps(void **state)
{
	const struct oci_id_maps m = {
		.count = 2, .items = { { 0, 1048576, 1000 }, { 4294967000u, 5, 295 } },
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
		cmocka_unit_test(limits), cmocka_unit_test(weights), cmocka_unit_test(maps),
		cmocka_unit_test(records), cmocka_unit_test(alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
