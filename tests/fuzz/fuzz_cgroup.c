/* fuzz_cgroup.c - cgroupsPath, keys of `unified`, and the kernel's cgroup files. A place never
 * leads out of the mount; what a parser takes obeys its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "box/cgroup_path.h"
#include "box/cgroup_stats.h"
#include "box/cgroup_values.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "oci/spec.h"

enum { TEXT_MAX = 4096, ARENA_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "/NAME/NAME...", no name empty, `.` or `..`, no line end. */
static void check_place(const char *path)
{
	if (path[0] != '/' || strlen(path) >= CGROUP_PATH_MAX || strchr(path, '\n'))
		abort();
	while (*path) {
		size_t length = strcspn(++path, "/");

		if (length == 0 || length > 255 || (length == 1 && path[0] == '.') ||
		    (length == 2 && memcmp(path, "..", 2) == 0))
			abort();
		path += length;
	}
}

static void places(const char *text)
{
	char path[CGROUP_PATH_MAX], again[CGROUP_PATH_MAX];
	struct err e;

	if (cgroup_path_make(path, text, "web", &e) == 0) {
		check_place(path);
		/* A place is its own place. */
		if (cgroup_path_make(again, path, "web", &e) || strcmp(path, again) != 0)
			abort();
	}
	if (cgroup_path_of_process(path, text) && (path[0] != '/' || strstr(path, "/..")))
		abort();
}

static void keys(struct arena *a, const char *text)
{
	struct oci_pair pair = { text, "1" };
	struct oci_hugepage_limit hugepage = { text, 1 };
	struct oci_rdma_limit rdma = { text, true, true, 1, 1 };
	const struct oci_resources each[] = { { .unified = &pair, .unified_count = 1 },
					      { .hugepages = &hugepage, .hugepage_count = 1 },
					      { .rdma = &rdma, .rdma_count = 1 } };
	struct cgroup_values v;
	struct err e;

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		if (cgroup_values_make(&v, a, &each[i], &e))
			continue;
		for (size_t k = 0; k < v.count; k++)
			if (strpbrk(v.items[k].file, "/\n") || strstr(v.items[k].file, "..") ||
			    !strchr(v.items[k].file, '.') ||
			    strcmp(v.items[k].file, "cgroup.procs") == 0)
				abort();
	}
}

static void kernel_files(struct arena *a, const char *text)
{
	struct cgroup_counters counters;
	struct cgroup_pressure pressure;
	struct cgroup_ios ios;

	if (cgroup_counters_parse(&counters, a, text))
		for (size_t i = 0; i < counters.count; i++)
			if (!counters.items[i].name[0])
				abort();
	if (cgroup_pressure_parse(&pressure, text) != pressure.given)
		abort();
	cgroup_ios_parse(&ios, a, text);
	cgroup_controllers_parse(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	char text[TEXT_MAX + 1];

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	a = arena_create(ARENA_MAX);
	places(text);
	keys(a, text);
	kernel_files(a, text);
	arena_destroy(a);
	return 0;
}
