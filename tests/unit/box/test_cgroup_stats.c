/* test_cgroup_stats.c - the kernel's statistics files, and the event that is made of them. */
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

#include "box/cgroup_stats.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/json.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void counters(void **state)
{
	static const char *const bad[] = { "x", "x \n", " 1\n", "x -1\n", "x 1 2\n", "x 1\ny",
					   "x 18446744073709551616\n", "x 0x1\n" };
	struct arena *a = arena_create(1 << 20);
	struct cgroup_counters c;

	(void)state;
	assert_true(
		cgroup_counters_parse(&c, a, "usage_usec 12\nuser_usec 18446744073709551615\n"));
	assert_int_equal(c.count, 2);
	assert_true(cgroup_counter(&c, "usage_usec") == 12);
	assert_true(cgroup_counter(&c, "user_usec") == UINT64_MAX);
	assert_true(cgroup_counter(&c, "user") == 0);
	assert_true(cgroup_counters_parse(&c, a, ""));
	assert_int_equal(c.count, 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(cgroup_counters_parse(&c, a, bad[i]));
	arena_destroy(a);
}

static void pressure(void **state)
{
	static const char *const bad[] = {
		"",
		"some",
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.0 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.000 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0 x\n",
		"some avg10=1001.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nmore\n",
	};
	struct cgroup_pressure p;

	(void)state;
	assert_true(cgroup_pressure_parse(&p, "some avg10=12.34 avg60=0.05 avg300=100.00 total=99\n"
					      "full avg10=1.00 avg60=2.00 avg300=3.00 total=7\n"));
	assert_true(p.given && p.some.avg10 == 1234 && p.some.avg60 == 5 &&
		    p.some.avg300 == 10000 && p.some.total_us == 99);
	assert_true(p.full.avg10 == 100 && p.full.avg300 == 300 && p.full.total_us == 7);
	assert_true(cgroup_pressure_parse(&p, "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"));
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(cgroup_pressure_parse(&p, bad[i]));
		assert_false(p.given);
	}
}

static void disks(void **state)
{
	static const char *const bad[] = { "8\n", "8:\n", ":0\n", "8:x\n", "a:0\n", "8:0 rbytes\n",
					   "8:0 rbytes=x\n", "8:0 rbytes=-1\n", "4294967296:0\n",
					   "8:0 rbytes=18446744073709551616\n", "\n" };
	struct arena *a = arena_create(1 << 20);
	struct cgroup_ios io;

	(void)state;
	assert_true(cgroup_ios_parse(
		&io, a,
		"254:16 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=3 dios=4 cost.usage=x\n"
		"8:0 \n253:0 wbytes=1\n"));
	assert_int_equal(io.count, 3);
	assert_true(io.items[0].major == 254 && io.items[0].minor == 16);
	assert_true(io.items[0].read_bytes == 4096 && io.items[0].write_bytes == 8192 &&
		    io.items[0].reads == 1 && io.items[0].writes == 2 &&
		    io.items[0].discard_bytes == 3 && io.items[0].discards == 4);
	assert_true(io.items[1].major == 8 && io.items[1].reads == 0);
	assert_true(io.items[2].write_bytes == 1);
	assert_true(cgroup_ios_parse(&io, a, ""));
	assert_int_equal(io.count, 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(cgroup_ios_parse(&io, a, bad[i]));
	arena_destroy(a);
}

static const struct {
	const char *name, *text;
} files[] = {
	{ "cgroup.controllers", "cpu io memory hugetlb pids\n" },
	{ "cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\n"
		      "nr_throttled 3\nthrottled_usec 20\n" },
	{ "cpu.pressure", "some avg10=0.10 avg60=0.00 avg300=0.00 total=5\n"
			  "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" },
	{ "memory.stat", "anon 100\nfile 200\nkernel 30\nsock 4\n" },
	{ "memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n" },
	{ "memory.current", "334\n" },
	{ "memory.max", "1000\n" },
	{ "memory.peak", "900\n" },
	{ "memory.swap.current", "6\n" },
	{ "memory.swap.max", "max\n" },
	{ "io.stat", "254:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n" },
	{ "pids.current", "2\n" },
	{ "pids.max", "max\n" },
	{ "hugetlb.2MB.current", "4194304\n" },
	{ "hugetlb.2MB.events", "max 11\n" },
};

static const char event[] =
	"{\"type\":\"stats\",\"id\":\"web\",\"data\":{"
	"\"cpu\":{\"usage\":{\"total\":1500000,\"kernel\":500000,\"user\":1000000},"
	"\"throttling\":{\"periods\":7,\"throttledPeriods\":3,\"throttledTime\":20000},"
	"\"psi\":{\"some\":{\"avg10\":0.10,\"avg60\":0.00,\"avg300\":0.00,\"total\":5},"
	"\"full\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":0}}},"
	"\"cpuset\":{\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,"
	"\"memory_migrate\":0,\"memory_spread_page\":0,\"memory_spread_slab\":0,"
	"\"memory_pressure\":0,\"sched_load_balance\":0,\"sched_relax_domain_level\":0},"
	"\"memory\":{\"cache\":200,"
	"\"usage\":{\"limit\":1000,\"usage\":334,\"max\":900,\"failcnt\":9},"
	"\"swap\":{\"limit\":18446744073709551615,\"usage\":340,\"max\":0,\"failcnt\":0},"
	"\"kernel\":{\"limit\":0,\"usage\":30,\"max\":0,\"failcnt\":0},"
	"\"kernelTCP\":{\"limit\":0,\"usage\":4,\"max\":0,\"failcnt\":0},"
	"\"raw\":{\"anon\":100,\"file\":200,\"kernel\":30,\"sock\":4},"
	"\"event_count\":{\"low\":0,\"high\":0,\"max\":9,\"oom\":2,\"oom_kill\":1,"
	"\"oom_group_kill\":0}},"
	"\"pids\":{\"current\":2,\"limit\":0},"
	"\"blkio\":{\"ioServiceBytesRecursive\":["
	"{\"major\":254,\"minor\":16,\"op\":\"Read\",\"value\":1},"
	"{\"major\":254,\"minor\":16,\"op\":\"Write\",\"value\":2},"
	"{\"major\":254,\"minor\":16,\"op\":\"Discard\",\"value\":5}],"
	"\"ioServicedRecursive\":["
	"{\"major\":254,\"minor\":16,\"op\":\"Read\",\"value\":3},"
	"{\"major\":254,\"minor\":16,\"op\":\"Write\",\"value\":4},"
	"{\"major\":254,\"minor\":16,\"op\":\"Discard\",\"value\":6}]},"
	"\"hugetlb\":{\"2MB\":{\"usage\":4194304,\"failcnt\":11}},"
	"\"intel_rdt\":{},\"network_interfaces\":null}}";

static char *print(const struct cgroup_stats *s, struct buf *out)
{
	struct json_writer w;

	buf_init(out, 1 << 16);
	json_writer_init(&w, out);
	cgroup_stats_event(s, "web", &w);
	assert_false(out->overflow);
	return out->data;
}

/* A plain folder serves: only names and texts count. */
static void events(void **state)
{
	char path[] = "/tmp/cgroup-stats-XXXXXX";
	struct arena *a = arena_create(1 << 20);
	struct cgroup_stats s;
	struct buf out;
	struct err e;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Without any file: zeroes, no pressure. */
	assert_int_equal(cgroup_stats_read(&s, fd, a, &e), 0);
	assert_true(!s.cpu_pressure.given && s.pids == 0 && s.io.count == 0);
	for (size_t i = 0; i < COUNT(files); i++)
		assert_int_equal(fs_write_atomic_at(fd, files[i].name, files[i].text,
						    strlen(files[i].text), 0600, &e),
				 0);
	assert_int_equal(cgroup_stats_read(&s, fd, a, &e), 0);
	assert_string_equal(print(&s, &out), event);
	buf_finish(&out);
	assert_string_equal(print(NULL, &out), "{\"type\":\"oom\",\"id\":\"web\"}");
	buf_finish(&out);
	/* What is not the kernel's is said, not counted as nothing. */
	assert_int_equal(fs_write_atomic_at(fd, "pids.max", "many\n", 5, 0600, &e), 0);
	assert_int_equal(cgroup_stats_read(&s, fd, a, &e), -1);
	assert_string_equal(e.text, "cgroup: pids.max is not in the kernel's form");
	close(fd);
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_remove_tree_at(fd, path + strlen("/tmp/"), &e), 0);
	close(fd);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters),
		cmocka_unit_test(pressure),
		cmocka_unit_test(disks),
		cmocka_unit_test(events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
