/* test_systemd.c - a scope as a value: its names, the limits as properties, annotations, the bytes
 * for the bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "box/cgroup_values.h"
#include "box/dbus_writer.h"
#include "box/systemd_property.h"
#include "box/systemd_scope.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void annotations(void **state)
{
	static const struct {
		const char *name, *text, *want;		/* want: "NAME TYPE VALUE" or NULL */
	} cases[] = {
		{ "Delegate", "true", "Delegate b true" },
		{ "SendSIGHUP", "  false", "SendSIGHUP b false" },
		{ "CollectMode", "'inactive-or-failed'", "CollectMode s 'inactive-or-failed'" },
		{ "Description", "\"a 'b' \\\\ \\\"c\\\"\"", "Description s 'a 'b' \\ \"c\"'" },
		{ "Documentation", "['man:a(1)' , \"x\"]", "Documentation as ['man:a(1)', 'x']" },
		{ "Before", "[]", "Before as []" },
		{ "TimeoutStopUSec", "uint64 123456789", "TimeoutStopUSec t uint64 123456789" },
		{ "TimeoutStopSec", "uint64 7", "TimeoutStopUSec t uint64 7000000" },
		{ "TimeoutStopUSec", "uint64 18446744073709551615",
		  "TimeoutStopUSec t uint64 18446744073709551615" },
		{ "OOMScoreAdjust", "-500", "OOMScoreAdjust i int32 -500" },
		{ "KillSignal", "int32 9", "KillSignal i int32 9" },
		{ "LogLevelMax", "uint32 4294967295", "LogLevelMax u uint32 4294967295" },
		{ "Foo", "int64 -9223372036854775808", "Foo x int64 -9223372036854775808" },
		{ "TimeoutStopSec", "uint64 18446744073709551615", NULL },	/* too many us */
		{ "KillSignal", "int32 2147483648", NULL },
		{ "KillSignal", "uint32 -1", NULL }, { "KillSignal", "uint32 4294967296", NULL },
		{ "X12", "uint64 0x10", NULL },	 { "X12", "uint64", NULL },
		{ "X12", "", NULL },		 { "X12", "7 seconds", NULL },
		{ "X12", "True", NULL },	 { "X12", "true ", NULL },
		{ "X12", "'open", NULL },	 { "X12", "'a' 'b'", NULL },
		{ "X12", "'a\\nb'", NULL },	 { "X12", "'a\\", NULL },
		{ "X12", "['a'", NULL },	 { "X12", "['a',]", NULL },
		{ "X12", "['a' 'b']", NULL },	 { "X12", "[1, 2]", NULL },
		{ "X12", "['a'] x", NULL },	 { "X12", "[", NULL },
		{ "X12", "@as []", NULL },	 { "X12", "byte 1", NULL },
		{ "X12", "double 1.5", NULL },	 { "X12", "('a', 1)", NULL },
		{ "X", "true", NULL },		 { "A-B", "true", NULL },
		{ "", "true", NULL },		 { "A\nBC", "true", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_create(1 << 20);
		struct systemd_property p;
		struct buf out;
		struct err e;
		int failed = systemd_property_parse(&p, a, "org.systemd.property.N", cases[i].name,
						    cases[i].text, &e);

		buf_init(&out, 4096);
		if (!failed) {
			buf_add_format(&out, "%s %s ", p.name, p.signature);
			systemd_property_print(&p, &out);
		}
		if (!failed != (cases[i].want != NULL))
			fail_msg("case %zu (%s): %s", i, cases[i].text,
				 failed ? e.text : out.data);
		if (cases[i].want)
			assert_string_equal(out.data, cases[i].want);
		else
			assert_non_null(strstr(e.text, ".annotations.org.systemd.property.N: "));
		buf_finish(&out);
		arena_destroy(a);
	}
}

/* As long as a configuration may be: memory grows with the text, not with its square. */
static void long_list(void **state)
{
	struct arena *a = arena_create(16 << 20);
	struct systemd_property p;
	struct buf text;
	struct err e;
	size_t count = 0;

	(void)state;
	buf_init(&text, OCI_SPEC_BYTES_MAX);
	buf_add_str(&text, "[''");
	while (text.size_bytes < OCI_SPEC_BYTES_MAX - 16)
		buf_add_str(&text, ",''");
	buf_add_str(&text, ",'end']");
	assert_int_equal(systemd_property_parse(&p, a, "KEY", "Before", text.data, &e), 0);
	while (p.list[count])
		count++;
	assert_true(count > OCI_SPEC_BYTES_MAX / 3 - 8);
	assert_string_equal(p.list[0], "");
	assert_string_equal(p.list[count - 1], "end");
	buf_finish(&text);
	arena_destroy(a);
}

static void limits(void **state)
{
	static const struct {
		const char *file, *text;	/* text|io.weight's text */
		const char *want;
	} cases[] = {
		{ "memory.max", "67108864", "MemoryMax uint64 67108864\n" },
		{ "memory.max", "max", "MemoryMax uint64 18446744073709551615\n" },
		{ "memory.max", "0", "" },		/* systemd refuses it */
		{ "memory.max", "64M", "" },	/* the kernel takes it */
		{ "memory.swap.max", "0", "MemorySwapMax uint64 0\n" },
		{ "memory.low", "1", "MemoryLow uint64 1\n" },
		{ "memory.min", "0", "MemoryMin uint64 0\n" },
		{ "memory.high", "5", "MemoryHigh uint64 5\n" },
		{ "memory.oom.group", "1", "" },
		{ "cpu.weight", "59", "CPUWeight uint64 59\n" },
		{ "cpu.idle", "1", "CPUWeight uint64 0\n" },
		{ "cpu.idle", "0", "" },
		{ "cpu.max", "50000 100000",
		  "CPUQuotaPerSecUSec uint64 500000\nCPUQuotaPeriodUSec uint64 100000\n" },
		{ "cpu.max", "15500 100000",	/* 15.5 % becomes 16 */
		  "CPUQuotaPerSecUSec uint64 160000\nCPUQuotaPeriodUSec uint64 100000\n" },
		{ "cpu.max", "1000 3000",
		  "CPUQuotaPerSecUSec uint64 340000\nCPUQuotaPeriodUSec uint64 3000\n" },
		{ "cpu.max", "max 100000",
		  "CPUQuotaPerSecUSec uint64 18446744073709551615\n"
		  "CPUQuotaPeriodUSec uint64 100000\n" },
		{ "cpu.max", "18446744073709551614 1", "" },
		{ "cpu.max", "1 0", "" },
		{ "cpu.max", "1 2 3", "" },
		{ "cpu.max", "", "" },
		{ "cpu.max.burst", "1000", "" },
		{ "cpuset.cpus", "0-3,7,17", "AllowedCPUs [0,1,2,3,7,17]\n" },
		{ "cpuset.cpus", "", "AllowedCPUs []\n" },
		{ "cpuset.cpus", "x", "" },
		{ "cpuset.mems", "1", "AllowedMemoryNodes [1]\n" },
		{ "pids.max", "100", "TasksMax uint64 100\n" },
		{ "pids.max", "1", "TasksMax uint64 2\n" },	/* the seat */
		{ "pids.max", "max", "TasksMax uint64 18446744073709551615\n" },
		{ "io.bfq.weight", "500|4950", "IOWeight uint64 4950\n" },
		{ "io.bfq.weight", "8:0 500|8:0 4950", "" },
		{ "io.weight", "77", "IOWeight uint64 77\n" },
		{ "io.weight", "default 77", "" },
		{ "io.max", "8:0 rbps=1", "" },
		{ "hugetlb.2MB.max", "0", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_create(1 << 20);
		char *text = arena_str(a, cases[i].text), *other = strchr(text, '|');
		struct cgroup_value value = { .file = cases[i].file,
					      .text = text,
					      .other_file = other ? "io.weight" : NULL,
					      .other_text = other ? other + 1 : NULL };
		const struct cgroup_values values = { .items = &value, .count = 1 };
		struct systemd_properties p;
		struct buf out;

		if (other)
			*other = '\0';
		buf_init(&out, 4096);
		buf_add_str(&out, "");
		systemd_scope_limits(&p, a, &values);
		for (size_t k = 0; k < p.count; k++) {
			buf_add_format(&out, "%s ", p.items[k].name);
			systemd_property_print(&p.items[k], &out);
			buf_add_str(&out, "\n");
		}
		if (strcmp(out.data ? out.data : "", cases[i].want) != 0)
			fail_msg("%s %s: %s", value.file, value.text, out.data);
		buf_finish(&out);
		arena_destroy(a);
	}
}

static struct oci_pair words[] = {
	{ "org.example.x", "y" },
	{ "org.systemd.property.CollectMode", "'inactive'" },
	{ "org.systemd.property.TimeoutStopSec", "uint64 3" },
	{ "run.oci.systemd.subgroup", "inner" },
};
static struct oci_pair ours[] = { { "org.systemd.property.PIDs", "1" } };
static struct oci_pair no_place[] = { { "run.oci.systemd.subgroup", "" } };
static struct oci_pair way_out[] = { { "run.oci.systemd.subgroup", "../x" } };
static struct oci_pair bad[] = { { "org.systemd.property.KillMode", "process" } };

static void scopes(void **state)
{
	static struct cgroup_value memory = { .file = "memory.max", .text = "4096" };
	static const struct {
		const char *path;
		bool user;
		struct oci_pair *annotations;
		size_t annotation_count;
		const char *want;	/* or a part of the sentence */
	} cases[] = {
		{ "machine.slice:libpod:web", false, NULL, 0,
		  "scope libpod-web.scope of the machine's manager, below it container\n"
		  "property Slice 'machine.slice'\nproperty Delegate true\n"
		  "property DefaultDependencies false\n"
		  "property CollectMode 'inactive-or-failed'\nproperty MemoryMax uint64 4096\n" },
		{ NULL, true, words, COUNT(words),
		  "scope box-ID.scope of the user's manager, below it inner\n"
		  "property CollectMode 'inactive'\nproperty TimeoutStopUSec uint64 3000000\n"
		  "property Slice 'user.slice'\nproperty Delegate true\n"
		  "property DefaultDependencies false\nproperty MemoryMax uint64 4096\n" },
		{ "", false, NULL, 0, "scope box-ID.scope of the machine's" },
		{ "::web", false, NULL, 0, "scope web.scope of" },
		{ "::web", false, NULL, 0, "property Slice 'system.slice'" },
		{ ":p:web", true, NULL, 0, "property Slice 'user.slice'" },
		{ "-:p:web", false, NULL, 0, "property Slice '-.slice'" },
		{ "a-b-c.slice:p:web", false, NULL, 0, "property Slice 'a-b-c.slice'" },
		{ "/a/b", false, NULL, 0, "must be SLICE:PREFIX:NAME" },
		{ "web", false, NULL, 0, "must be SLICE:PREFIX:NAME" },
		{ "a.slice:web", false, NULL, 0, "must be SLICE:PREFIX:NAME" },
		{ "a.slice:p:web:x", false, NULL, 0, "must be SLICE:PREFIX:NAME" },
		{ "a.slice/b.slice:p:web", false, NULL, 0, "must be SLICE:PREFIX:NAME" },
		{ "a.slice:p:we/b", false, NULL, 0, "must be SLICE:PREFIX:NAME" },
		{ "a:p:web", false, NULL, 0, "\"a\" is no name of a slice" },
		{ "a--b.slice:p:web", false, NULL, 0, "is no name of a slice" },
		{ "-a.slice:p:web", false, NULL, 0, "is no name of a slice" },
		{ ".slice:p:web", false, NULL, 0, "is no name of a slice" },
		{ "a b.slice:p:web", false, NULL, 0, "is no name of a slice" },
		{ "a.slice:p:", false, NULL, 0, "a unit's name is made of" },
		{ "a.slice:p:we b", false, NULL, 0, "a unit's name is made of" },
		{ "a.slice:p\n:web", false, NULL, 0, "a unit's name is made of" },
		{ "a.slice:p:web.slice", false, NULL, 0, "is a slice: a container lives in" },
		{ NULL, false, ours, 1, "property.PIDs: is set by box itself" },
		{ NULL, false, no_place, 1, "subgroup: \"\" must be one name" },
		{ NULL, false, way_out, 1, "subgroup: \"../x\" must be one name" },
		{ NULL, false, bad, 1, "KillMode: \"process\" is no value" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_create(1 << 20);
		const struct oci_spec spec = { .cgroups_path = (char *)cases[i].path,
					       .annotations = cases[i].annotations,
					       .annotation_count = cases[i].annotation_count };
		const struct cgroup_values values = { .items = &memory, .count = 1 };
		struct systemd_scope s;
		struct buf out;
		struct err e = { 0 };

		buf_init(&out, 4096);
		if (systemd_scope_make(&s, a, &spec, "ID", cases[i].user, &values, &e))
			buf_add_str(&out, e.text);
		else
			systemd_scope_print(&s, &out);
		if (!strstr(out.data, cases[i].want))
			fail_msg("case %zu\n  said %s\n  want %s", i, out.data, cases[i].want);
		buf_finish(&out);
		arena_destroy(a);
	}
}

static void on_the_bus(void **state)
{
	static const char *const list[] = { "a", "bc", NULL };
	static const uint8_t bytes[] = { 0x8d };
	static const struct {
		struct systemd_property p;
		const char *want;
		size_t want_bytes;
	} cases[] = {
#define BYTES(text) text, sizeof(text) - 1
		{ { .name = "B", .signature = "b", .number = 1 },
		  BYTES("\1\0\0\0B\0\1b\0\0\0\0\1\0\0\0") },
		{ { .name = "I", .signature = "i", .number = (uint64_t)-2 },
		  BYTES("\1\0\0\0I\0\1i\0\0\0\0\376\377\377\377") },
		{ { .name = "T", .signature = "t", .number = 258 },
		  BYTES("\1\0\0\0T\0\1t\0\0\0\0\0\0\0\0\2\1\0\0\0\0\0\0") },
		{ { .name = "S", .signature = "s", .text = "x" },
		  BYTES("\1\0\0\0S\0\1s\0\0\0\0\1\0\0\0x\0") },
		{ { .name = "A", .signature = "as", .list = list },
		  BYTES("\1\0\0\0A\0\2as\0\0\0\17\0\0\0\1\0\0\0a\0\0\0\2\0\0\0bc\0") },
		{ { .name = "Y", .signature = "ay", .bytes = bytes, .size_bytes = 1 },
		  BYTES("\1\0\0\0Y\0\2ay\0\0\0\1\0\0\0\215") },
		{ { .name = "P", .signature = "au", .number = 7 },
		  BYTES("\1\0\0\0P\0\2au\0\0\0\4\0\0\0\7\0\0\0") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dbus_writer w;

		dbus_writer_init(&w);
		systemd_property_write(&cases[i].p, &w);
		if (w.body.size_bytes != cases[i].want_bytes ||
		    memcmp(w.body.data, cases[i].want, cases[i].want_bytes) != 0)
			fail_msg("case %zu: %zu bytes", i, w.body.size_bytes);
		dbus_writer_finish(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(annotations), cmocka_unit_test(long_list),
		cmocka_unit_test(limits),      cmocka_unit_test(scopes),
		cmocka_unit_test(on_the_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
