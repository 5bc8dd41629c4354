/* test_cgroup.c - limits as files of cgroup v2, places of cgroups, and who owns them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "box/cgroup_owner.h"
#include "box/cgroup_path.h"
#include "box/cgroup_values.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* "file=text", "?" behind an optional one, "~" behind one that is tried again, "|file=text" for
 * what stands in for it. */
static void print(const struct cgroup_values *v, struct buf *out)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct cgroup_value *item = &v->items[i];

		buf_add_format(out, "%s=%s%s%s", item->file, item->text, item->optional ? "?" : "",
			       item->again ? "~" : "");
		if (item->other_file)
			buf_add_format(out, "|%s=%s", item->other_file, item->other_text);
		buf_add_str(out, "\n");
	}
}

static struct oci_io_weight weights_of_two[] = { { 8, 0, 500, 0 },
						 { 8, 16, 10, 7 },
						 { 9, 9, 0, 5 } };
static struct oci_io_rate read_bps[] = { { 8, 0, 1048576 }, { 253, 0, 0 } };
static struct oci_io_rate write_bps[] = { { 8, 0, 2048 } };
static struct oci_io_rate read_iops[] = { { 8, 16, 100 }, { 8, 16, 120 } };
static struct oci_io_rate write_iops[] = { { 8, 16, 7 }, { 8, 0, UINT64_MAX } };
static struct oci_hugepage_limit hugepages[] = { { "2MB", 209715200 }, { "1GB", 0 } };
static struct oci_rdma_limit rdma[] = {
	{ "mlx5_1", true, true, 3, 10000 },
	{ "mlx4_0", false, true, 0, 1000 },
	{ "rxe3", true, false, 1, 0 },
};
static struct oci_pair unified[] = {
	{ "memory.high", "1073741824" },
	{ "io.max", "259:0 rbps=2097152\n253:0 wiops=120" },
	{ "dmem.max", "drm 1" },
	{ "cpu.weight.nice", "" },
	{ "cgroup.max.depth", "3" },
};

static void limits(void **state)
{
	static const struct {
		struct oci_resources r;
		const char *files;
		unsigned controllers;
	} cases[] = {
		{ { 0 }, "", 0 },
		{ { .memory_limit_bytes = 1000 }, "memory.max=1000\n", 1u << CGROUP_MEMORY },
		{ { .memory_limit_bytes = 1000, .memory_swap_bytes = 1000 },
		  "memory.swap.max=0?\nmemory.max=1000\n",
		  1u << CGROUP_MEMORY },
		{ { .memory_limit_bytes = 1000, .memory_swap_bytes = 1500 },
		  "memory.swap.max=500?\nmemory.max=1000\n",
		  1u << CGROUP_MEMORY },
		{ { .memory_limit_bytes = 1000, .memory_swap_bytes = -1 },
		  "memory.swap.max=max?\nmemory.max=1000\n",
		  1u << CGROUP_MEMORY },
		{ { .memory_limit_bytes = -1 },
		  "memory.swap.max=max?\nmemory.max=max\n",
		  1u << CGROUP_MEMORY },
		{ { .memory_limit_bytes = -1, .memory_swap_bytes = 7 },
		  "memory.swap.max=7?\nmemory.max=max\n",
		  1u << CGROUP_MEMORY },
		{ { .memory_swap_bytes = -1 }, "memory.swap.max=max?\n", 1u << CGROUP_MEMORY },
		{ { .memory_reservation_bytes = 7 }, "memory.low=7\n", 1u << CGROUP_MEMORY },
		{ { .memory_reservation_bytes = -1 }, "memory.low=max\n", 1u << CGROUP_MEMORY },
		{ { .memory_kernel_bytes = -1, .memory_kernel_tcp_bytes = -1 }, "", 0 },
		{ { .cpu_quota_us = 50000 }, "cpu.max=50000 100000\n", 1u << CGROUP_CPU },
		{ { .cpu_quota_us = 50000, .cpu_period_us = 1000 },
		  "cpu.max=50000 1000\n",
		  1u << CGROUP_CPU },
		{ { .cpu_quota_us = -1 }, "cpu.max=max 100000\n", 1u << CGROUP_CPU },
		{ { .cpu_period_us = 20000 }, "cpu.max=max 20000\n", 1u << CGROUP_CPU },
		{ { .cpu_quota_us = 50000, .cpu_burst_us = 50000 },
		  "cpu.max.burst=50000~\ncpu.max=50000 100000\n",
		  1u << CGROUP_CPU },
		{ { .cpu_burst_us = 9 }, "cpu.max.burst=9~\n", 1u << CGROUP_CPU },
		{ { .cpu_shares = 2 }, "cpu.weight=1\n", 1u << CGROUP_CPU },
		{ { .has_cpu_idle = true, .cpu_idle = 1 }, "cpu.idle=1\n", 1u << CGROUP_CPU },
		{ { .has_cpu_idle = true, .cpu_idle = 1, .cpu_shares = 1024 },
		  "cpu.idle=1\n",
		  1u << CGROUP_CPU },
		{ { .has_cpu_idle = true, .cpu_shares = 1024 },
		  "cpu.idle=0\ncpu.weight=100\n",
		  1u << CGROUP_CPU },
		{ { .cpu_cpus = "0-3,7", .cpu_mems = "0" },
		  "cpuset.cpus=0-3,7\ncpuset.mems=0\n",
		  1u << CGROUP_CPUSET },
		{ { .pids_limit = -1 }, "pids.max=max\n", 1u << CGROUP_PIDS },
		{ { .has_pids_limit = true, .pids_limit = 99 },
		  "pids.max=99\n",
		  1u << CGROUP_PIDS },
		{ { .has_pids_limit = true }, "pids.max=1\n", 1u << CGROUP_PIDS },
		{ { .io_weight = 10 }, "io.bfq.weight=10|io.weight=1\n", 1u << CGROUP_IO },
		{ { .io_weight = 500 }, "io.bfq.weight=500|io.weight=4950\n", 1u << CGROUP_IO },
		{ { .io_weight = 1000 }, "io.bfq.weight=1000|io.weight=10000\n", 1u << CGROUP_IO },
		{ { .io_weights = weights_of_two, .io_weight_count = 3 },
		  "io.bfq.weight=8:0 500|io.weight=8:0 4950\n"
		  "io.bfq.weight=8:16 10|io.weight=8:16 1\n",
		  1u << CGROUP_IO },
		{ { .io_rates = { read_bps, write_bps, read_iops, write_iops },
		    .io_rate_counts = { 2, 1, 2, 2 } },
		  "io.max=8:0 rbps=1048576 wbps=2048 wiops=18446744073709551615\n"
		  "io.max=253:0 rbps=max\n"
		  "io.max=8:16 riops=120 wiops=7\n",
		  1u << CGROUP_IO },
		{ { .hugepages = hugepages, .hugepage_count = 2 },
		  "hugetlb.2MB.max=209715200\nhugetlb.2MB.rsvd.max=209715200?\n"
		  "hugetlb.1GB.max=0\nhugetlb.1GB.rsvd.max=0?\n",
		  1u << CGROUP_HUGETLB },
		{ { .rdma = rdma, .rdma_count = 3 },
		  "rdma.max=mlx5_1 hca_handle=3 hca_object=10000\n"
		  "rdma.max=mlx4_0 hca_object=1000\nrdma.max=rxe3 hca_handle=1\n",
		  1u << CGROUP_RDMA },
		{ { .unified = unified, .unified_count = 5, .memory_limit_bytes = 5 },
		  "memory.max=5\nmemory.high=1073741824\n"
		  "io.max=259:0 rbps=2097152\n253:0 wiops=120\ndmem.max=drm "
		  "1\ncgroup.max.depth=3\n",
		  1u << CGROUP_MEMORY | 1u << CGROUP_IO | 1u << CGROUP_OTHER },
		{ { .memory_limit_bytes = INT64_MAX,
		    .memory_swap_bytes = -1,
		    .memory_reservation_bytes = INT64_MAX,
		    .pids_limit = INT64_MAX,
		    .cpu_quota_us = INT64_MAX,
		    .cpu_period_us = 1000000,
		    .cpu_shares = 262144,
		    .cpu_burst_us = INT64_MAX,
		    .has_cpu_idle = true,
		    .io_weight = 10,
		    .cpu_cpus = "0",
		    .cpu_mems = "0" },
		  "memory.swap.max=max?\nmemory.max=9223372036854775807\n"
		  "memory.low=9223372036854775807\ncpu.idle=0\ncpu.weight=10000\n"
		  "cpu.max.burst=9223372036854775807~\ncpu.max=9223372036854775807 1000000\n"
		  "cpuset.cpus=0\ncpuset.mems=0\npids.max=9223372036854775807\n"
		  "io.bfq.weight=10|io.weight=1\n",
		  1u << CGROUP_MEMORY | 1u << CGROUP_CPU | 1u << CGROUP_CPUSET | 1u << CGROUP_PIDS |
			  1u << CGROUP_IO },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_create(1 << 20);
		struct cgroup_values v;
		struct buf out;
		struct err e;

		buf_init(&out, 4096);
		assert_int_equal(cgroup_values_make(&v, a, &cases[i].r, &e), 0);
		print(&v, &out);
		assert_string_equal(out.data ? out.data : "", cases[i].files);
		assert_int_equal(v.controllers, cases[i].controllers);
		buf_finish(&out);
		arena_destroy(a);
	}
}

static void refused_limits(void **state)
{
	static struct oci_pair keys[] = {
		{ "../memory.max", "1" }, { "a/b", "1" },	 { "memory", "1" },
		{ "memory.", "1" },	  { ".max", "1" },	 { "memory..max", "1" },
		{ "cgroup.procs", "1" },  { "cgroup.kill", "1" }, { "cgroup.freeze", "1" },
		{ "Memory.max", "1" },	  { "", "1" },		 { "io.max\nx", "1" },
	};
	static struct oci_hugepage_limit sizes[] = {
		{ "2MB/../x", 1 }, { "MB", 1 }, { "2mB", 1 }, { "2M", 1 }, { "", 1 }, { "2MBB", 1 },
	};
	static struct oci_rdma_limit devices[] = {
		{ "a b", true, false, 1, 0 },
		{ "", true, false, 1, 0 },
		{ "a\nb", true, false, 1, 0 },
	};
	static const struct {
		struct oci_resources r;
		const char *sentence;
	} cases[] = {
		{ { .memory_kernel_bytes = 1 }, ".linux.resources.memory.kernel: " },
		{ { .memory_kernel_tcp_bytes = 1 }, ".linux.resources.memory.kernelTCP: " },
		{ { .memory_has_swappiness = true }, ".linux.resources.memory.swappiness: " },
		{ { .memory_disable_oom_killer = true },
		  ".linux.resources.memory.disableOOMKiller: " },
		{ { .cpu_realtime_runtime_us = 1 }, "no realtimeRuntime" },
		{ { .cpu_realtime_period_us = 1 }, "no realtimeRuntime" },
		{ { .io_leaf_weight = 10 }, ".linux.resources.blockIO.leafWeight: " },
		{ { .has_network = true }, ".linux.resources.network: " },
		{ { .memory_swap_bytes = 5 }, "needs memory.limit beside it" },
		{ { .memory_swap_bytes = 5, .memory_limit_bytes = 6 },
		  "not be below memory.limit" },
		{ { .cpu_quota_us = 5, .cpu_burst_us = 6 }, "must not be above quota" },
	};
	struct arena *a = arena_create(1 << 20);
	struct cgroup_values v;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cgroup_values_make(&v, a, &cases[i].r, &e), -1);
		assert_non_null(strstr(e.text, cases[i].sentence));
	}
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct oci_resources r = { .unified = &keys[i], .unified_count = 1 };

		assert_int_equal(cgroup_values_make(&v, a, &r, &e), -1);
		assert_non_null(strstr(e.text, ".linux.resources.unified: "));
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		const struct oci_resources r = { .hugepages = &sizes[i], .hugepage_count = 1 };

		assert_int_equal(cgroup_values_make(&v, a, &r, &e), -1);
	}
	for (size_t i = 0; i < COUNT(devices); i++) {
		const struct oci_resources r = { .rdma = &devices[i], .rdma_count = 1 };

		assert_int_equal(cgroup_values_make(&v, a, &r, &e), -1);
	}
	arena_destroy(a);
}

static void checked_use(void **state)
{
	const struct oci_resources off = { .memory_limit_bytes = 5, .memory_swap_bytes = 7 };
	struct oci_resources on = off;
	struct arena *a = arena_create(1 << 20);
	struct cgroup_values v;
	struct err e;

	(void)state;
	assert_int_equal(cgroup_values_make(&v, a, &off, &e), 0);
	assert_true(v.check_memory_bytes == 0 && v.check_memory_swap_bytes == 0);
	on.memory_check_before_update = true;
	assert_int_equal(cgroup_values_make(&v, a, &on, &e), 0);
	assert_true(v.check_memory_bytes == 5 && v.check_memory_swap_bytes == 7);
	arena_destroy(a);
}

/* The formula as it is published, in floating point. */
static unsigned weight_as_published(uint64_t shares)
{
	double l = log2((double)shares);

	return (unsigned)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

static void weights(void **state)
{
	static const uint64_t cases[][2] = {
		{ 2, 1 },   { 1024, 100 }, { 262144, 10000 }, { 512, 59 },	   { 2048, 174 },
		{ 768, 80 }, { 0, 1 },	   { 1, 1 },	      { UINT64_MAX, 10000 }, { 3, 2 },
		{ 102, 17 }, { 204, 29 },  { 4096, 303 },     { 262143, 10000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(cgroup_weight(cases[i][0]), cases[i][1]);
	for (uint64_t shares = 3; shares < 262144; shares++)
		assert_int_equal(cgroup_weight(shares), weight_as_published(shares));
}

static void controllers(void **state)
{
	(void)state;
	assert_int_equal(cgroup_controllers_parse("cpuset cpu io memory pids\n"),
			 1u << CGROUP_CPUSET | 1u << CGROUP_CPU | 1u << CGROUP_IO |
				 1u << CGROUP_MEMORY | 1u << CGROUP_PIDS);
	assert_int_equal(cgroup_controllers_parse("hugetlb rdma misc"),
			 1u << CGROUP_HUGETLB | 1u << CGROUP_RDMA | 1u << CGROUP_MISC);
	assert_int_equal(cgroup_controllers_parse(""), 0);
	assert_int_equal(cgroup_controllers_parse("\n"), 0);
	assert_int_equal(cgroup_controllers_parse("dmem\n"), 1u << CGROUP_OTHER);
	for (unsigned i = 0; i < CGROUP_OTHER; i++)
		assert_int_equal(cgroup_controllers_parse(cgroup_controller_name(i)), 1u << i);
}

static void places(void **state)
{
	static const struct {
		const char *path, *place;
	} cases[] = {
		{ NULL, "/web" },
		{ "", "/web" },
		{ "/a/b", "/a/b" },
		{ "a/b", "/a/b" },
		{ "//a///b//", "/a/b" },
		{ "/./a/./b/.", "/a/b" },
		{ "/a.b..c/...", "/a.b..c/..." },
		{ "/a:b:c", "/a:b:c" },
		{ "a:b", "/a:b" },
		{ "a:b:c:d", "/a:b:c:d" },
		{ "system.slice:docker:web", "/system.slice/docker-web.scope" },
		{ ":docker:web", "/system.slice/docker-web.scope" },
		{ "machine.slice::web", "/machine.slice/web.scope" },
		{ "-.slice:p:web", "/p-web.scope" },
		{ "user.slice:p:web.slice", "/user.slice/web.slice" },
		{ "kubepods-burstable-pod1_2.slice:cri-containerd:abc",
		  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/"
		  "cri-containerd-abc.scope" },
	};
	char path[CGROUP_PATH_MAX];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cgroup_path_make(path, cases[i].path, "web", &e), 0);
		assert_string_equal(path, cases[i].place);
	}
}

static void refused_places(void **state)
{
	static const struct {
		const char *path, *sentence;
	} cases[] = {
		{ "/", "root cgroup" },
		{ "///", "root cgroup" },
		{ "/.", "root cgroup" },
		{ "..", "`..`" },
		{ "/a/..", "`..`" },
		{ "/a/../b", "`..`" },
		{ "../a", "`..`" },
		{ "/a\nb", "line end" },
		{ "a.slice:b:", "SLICE:PREFIX:NAME" },
		{ "a.slice:b/..:c", "SLICE:PREFIX:NAME" },
		{ "a.slice:b:../../c", "SLICE:PREFIX:NAME" },
		{ "a:b:c", "no name of a slice" },
		{ ".slice:b:c", "no name of a slice" },
		{ "x/a.slice:b:c", "no name of a slice" },
		{ "a--b.slice:b:c", "one dash" },
		{ "-a.slice:b:c", "one dash" },
		{ "a-.slice:b:c", "one dash" },
	};
	char path[CGROUP_PATH_MAX], text[CGROUP_PATH_MAX + 16];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cgroup_path_make(path, cases[i].path, "web", &e), -1);
		assert_non_null(strstr(e.text, cases[i].sentence));
	}
	assert_int_equal(cgroup_path_make(path, NULL, "..", &e), -1);
	/* The longest and one more. */
	for (size_t i = 0; i < CGROUP_PATH_MAX; i++)
		text[i] = i % 8 ? 'a' : '/';
	text[CGROUP_PATH_MAX - 1] = '\0';
	assert_int_equal(cgroup_path_make(path, text, "web", &e), 0);
	assert_string_equal(path, text);
	text[CGROUP_PATH_MAX - 1] = 'a';
	text[CGROUP_PATH_MAX] = '\0';
	assert_int_equal(cgroup_path_make(path, text, "web", &e), -1);
	assert_non_null(strstr(e.text, "must be shorter"));
	memset(text, 'a', 256);
	text[256] = '\0';
	assert_int_equal(cgroup_path_make(path, text, "web", &e), -1);
	assert_non_null(strstr(e.text, "more than 255 bytes"));
	/* A slice's levels are each longer than the one before: 40 of them do not fit. */
	for (size_t i = 0; i < 40; i++)
		memcpy(text + 3 * i, "aa-", 3);
	memcpy(text + 119, ".slice:p:n", 11);
	assert_int_equal(cgroup_path_make(path, text, "web", &e), -1);
	assert_non_null(strstr(e.text, "must be shorter"));
}

static void places_of_processes(void **state)
{
	static const struct {
		const char *text, *place;
	} cases[] = {
		{ "0::/\n", "/" },
		{ "0::/a/b\n", "/a/b" },
		{ "0::/a b", "/a b" },
		{ "12:cpu:/x\n1:name=systemd:/y\n0::/z\n", "/z" },
		{ "0::/box/k (deleted)\n", NULL },
		{ "0::/../other\n", NULL },
		{ "12:cpu:/x\n", NULL },
		{ "", NULL },
		{ "\n", NULL },
		{ "x0::/a\n", NULL },
		{ "0::a\n", NULL },
	};
	char path[CGROUP_PATH_MAX], text[CGROUP_PATH_MAX + 16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cgroup_path_of_process(path, cases[i].text),
				 cases[i].place != NULL);
		if (cases[i].place)
			assert_string_equal(path, cases[i].place);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "0::/", 4);
	text[CGROUP_PATH_MAX + 3] = '\0';
	assert_false(cgroup_path_of_process(path, text));
	text[CGROUP_PATH_MAX + 2] = '\0';
	assert_true(cgroup_path_of_process(path, text));
}

static void owners(void **state)
{
	static const char *ro[] = { "nosuid", "ro", NULL }, *rw[] = { "nosuid", "rro", NULL };
	static const struct {
		unsigned namespaces;
		struct oci_mount mount;
		bool wanted;
	} cases[] = {
		{ 1u << OCI_NS_CGROUP,
		  { "/sys/fs/cgroup", "cgroup", "cgroup", rw, NULL, NULL },
		  true },
		{ 1u << OCI_NS_CGROUP,
		  { "/sys/fs/cgroup", "cgroup2", "cgroup", NULL, NULL, NULL },
		  true },
		{ 1u << OCI_NS_CGROUP,
		  { "/sys/fs/cgroup", "cgroup", "cgroup", ro, NULL, NULL },
		  false },
		{ 1u << OCI_NS_CGROUP, { "/sys/fs/cgroup", "cgroup", "x", rw, NULL, NULL }, false },
		{ 1u << OCI_NS_CGROUP,
		  { "/sys/fs/cgroup", "cgroup", NULL, rw, NULL, NULL },
		  false },
		{ 1u << OCI_NS_CGROUP,
		  { "/sys/fs/other", "cgroup", "cgroup", rw, NULL, NULL },
		  false },
		{ 1u << OCI_NS_USER,
		  { "/sys/fs/cgroup", "cgroup", "cgroup", rw, NULL, NULL },
		  false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oci_mount mount = cases[i].mount;
		const struct oci_spec spec = { .namespaces = cases[i].namespaces, .mounts = &mount,
					       .mount_count = 1 };

		assert_int_equal(cgroup_owner_wanted(&spec), cases[i].wanted);
	}
	assert_false(cgroup_owner_wanted(&(struct oci_spec){ .namespaces = ~0u }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),      cmocka_unit_test(refused_limits),
		cmocka_unit_test(checked_use), cmocka_unit_test(weights),
		cmocka_unit_test(controllers), cmocka_unit_test(places),
		cmocka_unit_test(refused_places), cmocka_unit_test(places_of_processes),
		cmocka_unit_test(owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
