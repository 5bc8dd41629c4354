/* test_spec.c - what config.json may say, what is refused with which sentence, and that what is
 * written is read again as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_seccomp.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char base[] =
	"{\"ociVersion\":\"1.2.0\","
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":{\"uid\":1000,\"gid\":100}},"
	"\"root\":{\"path\":\"rootfs\"},\"hostname\":\"h\",\"mounts\":[],"
	"\"linux\":{\"namespaces\":[{\"type\":\"user\"},{\"type\":\"uts\"}],"
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":1048576,\"size\":65536}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1048576,\"size\":65536}]}}";

static struct arena *arena;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	arena = arena_create(OCI_SPEC_ARENA_BYTES);
	err_clear(&e);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

/* The base document with its one `find` replaced. */
static const char *changed(const char *find, const char *put)
{
	const char *at = strstr(base, find);

	assert_non_null(at);
	return arena_format(arena, "%.*s%s%s", (int)(at - base), base, put, at + strlen(find));
}

static struct oci_spec *parse(const char *text)
{
	return oci_spec_parse(arena, "web", text, strlen(text), &e);
}

static void refused(void **state)
{
	static const struct {
		const char *find, *put, *sentence;
	} cases[] = {
		{ "1.2.0", "2.0.0", "web: .ociVersion: \"2.0.0\" is not supported, only 1.x" },
		{ "\"hostname\"", "\"hostnme\"",
		  "web: .hostnme: unknown key; did you mean hostname?" },
		{ "\"args\":[\"sh\"]", "\"args\":[]", "web: .process: args must name a program" },
		{ "\"args\":[\"sh\"]", "\"args\":[7]", "web: .process.args[0]: must be a string" },
		{ "\"args\":[\"sh\"]", "\"args\":\"sh\"", "web: .process.args: must be an array" },
		{ "\"cwd\":\"/\"", "\"cwd\":\"tmp\"",
		  "web: .process: cwd must be an absolute path" },
		{ "\"cwd\":\"/\"", "\"cwd\":\"/\",\"env\":[\"A=1\",\"B\"]",
		  "web: .process.env[1]: must be NAME=VALUE" },
		{ "\"uid\":1000", "\"uid\":4294967295",
		  "web: .process.user.uid: must be a whole number from 0 to 4294967294: it is the "
		  "id "
		  "of a user or group" },
		{ "\"uid\":1000", "\"uid\":4294967296",
		  "web: .process.user.uid: must be a whole number from 0 to 4294967294: it is the "
		  "id "
		  "of a user or group" },
		{ "\"uid\":1000", "\"uid\":-1",
		  "web: .process.user.uid: must be a whole number from 0 to 4294967294: it is the "
		  "id "
		  "of a user or group" },
		{ "\"gid\":100", "\"gid\":4294967295",
		  "web: .process.user.gid: must be a whole number from 0 to 4294967294: it is the "
		  "id "
		  "of a user or group" },
		{ "\"uid\":1000", "\"username\":\"x\"",
		  "web: .process.user.username: unknown key" },
		{ "\"uid\":1000,", "", "web: .process.user.uid: is missing" },
		{ "\"gid\":100", "\"gid\":100,\"umask\":512",
		  "web: .process.user.umask: must be at most 511 (octal 777)" },
		{ "\"gid\":100", "\"gid\":100,\"additionalGids\":[1,4294967295]",
		  "web: .process.user.additionalGids[1]: must be a whole number from 0 to "
		  "4294967294: it is the id "
		  "of a user or group" },
		{ "\"cwd\"", "\"oomScoreAdj\":1001,\"cwd\"",
		  "web: .process.oomScoreAdj: must be from -1000 to 1000" },
		{ "\"cwd\"", "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CHOWN\"]},\"cwd\"",
		  "web: .process.capabilities.bounding[1]: no capability is called \"CHOWN\"" },
		{ "\"cwd\"", "\"capabilities\":{\"effective\":[\"CAP_CHOWN\"]},\"cwd\"",
		  "web: .process.capabilities: effective must be a subset of permitted" },
		{ "\"cwd\"",
		  "\"capabilities\":{\"permitted\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]},"
		  "\"cwd\"",
		  "web: .process.capabilities: ambient must be a subset of permitted and of "
		  "inheritable" },
		{ "\"cwd\"",
		  "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":2},"
		  "{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":2}],\"cwd\"",
		  "web: .process.rlimits[1]: RLIMIT_CPU is given twice" },
		{ "\"cwd\"", "\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":2}],\"cwd\"",
		  "web: .process.rlimits[0]: no resource limit is called \"RLIMIT_X\"" },
		{ "\"cwd\"",
		  "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":3,\"hard\":2}],\"cwd\"",
		  "web: .process.rlimits[0]: soft is above hard" },
		{ "\"path\":\"rootfs\"", "\"readonly\":true",
		  "web: .root: path is missing: name "
		  "the folder that is the container's root" },
		{ "\"root\":{\"path\":\"rootfs\"},", "", "web: .root: is missing" },
		{ "\"mounts\":[],\"linux\":{",
		  "\"annotations\":{\"cuvette.seccomp\":\"default\"},"
		  "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"},",
		  "web: .annotations[\"cuvette.seccomp\"]: excludes linux.seccomp" },
		{ "\"hostname\":\"h\"",
		  "\"hostname\":"
		  "\"0123456789012345678901234567890123456789012345678901234567890123X\"",
		  "web: .hostname: longer than 64 bytes" },
		{ ",{\"type\":\"uts\"}", "",
		  "web: .hostname: needs a uts namespace in .linux.namespaces" },
		{ "\"mounts\":[]", "\"mounts\":[{\"destination\":\"tmp\"}]",
		  "web: .mounts[0].destination: must be an absolute path without `..`" },
		{ "\"mounts\":[]", "\"mounts\":[{\"destination\":\"/a/../b\"}]",
		  "web: .mounts[0].destination: must be an absolute path without `..`" },
		{ "\"mounts\":[]", "\"mounts\":[[]]", "web: .mounts[0]: must be an object" },
		{ "\"uts\"", "\"user\"", "web: .linux.namespaces[1]: user is given twice" },
		{ "{\"type\":\"user\"},", "",
		  "web: .linux: a user namespace and uidMappings, gidMappings go together" },
		{ "\"size\":65536", "\"size\":0",
		  "web: .linux.uidMappings[0]: size must not be 0" },
		{ "\"hostID\":1048576", "\"hostID\":4294967295",
		  "web: .linux.uidMappings[0]: the range ends beyond the largest id" },
		{ "\"size\":65536}", "\"size\":10},{\"containerID\":9,\"hostID\":5,\"size\":1}",
		  "web: .linux.uidMappings[1]: overlaps mapping 0" },
		{ "\"size\":65536}",
		  "\"size\":10},{\"containerID\":10,\"hostID\":1048585,\"size\":1}",
		  "web: .linux.uidMappings[1]: overlaps mapping 0" },
		{ "\"linux\":{", "\"linux\":{\"maskedPaths\":[\"/a\",\"b\"],",
		  "web: .linux.maskedPaths[1]: must be an absolute path without `..`, not \"b\"" },
		{ "\"linux\":{", "\"linux\":{\"readonlyPaths\":[\"/..\"],",
		  "web: .linux.readonlyPaths[0]: must be an absolute path without `..`, not "
		  "\"/..\"" },
		{ "\"linux\":{", "\"linux\":{\"cgroupsPath\":\"box\",",
		  "web: .linux.cgroupsPath: must be an absolute path" },
		{ "\"linux\":{", "\"linux\":{\"resources\":{\"memory\":{\"limit\":0}},",
		  "web: .linux.resources.memory.limit: must be positive, or -1 for no limit" },
		{ "\"linux\":{", "\"linux\":{\"resources\":{\"memory\":{\"limit\":2,\"swap\":1}},",
		  "web: .linux.resources.memory: swap counts memory and swap, so it must not be "
		  "below "
		  "limit" },
		{ "\"linux\":{", "\"linux\":{\"resources\":{\"memory\":{\"kernl\":1}},",
		  "web: .linux.resources.memory.kernl: unknown key" },
		{ "\"linux\":{", "\"linux\":{\"resources\":{\"cpu\":{\"shares\":1}},",
		  "web: .linux.resources.cpu: shares must be from 2 to 262144" },
		{ "\"linux\":{", "\"linux\":{\"resources\":{\"cpu\":{\"cpus\":\"0-3\\n\"}},",
		  "web: .linux.resources.cpu.cpus: \"0-3\n\" is no list of numbers" },
		{ "\"linux\":{", "\"linux\":{\"resources\":{\"pids\":{\"limit\":-2}},",
		  "web: .linux.resources.pids.limit: must be from -1 to 9223372036854775807" },
		{ "\"linux\":{",
		  "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		  "{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}]},",
		  "web: .linux.seccomp.syscalls[0]: names must not be empty" },
		{ "\"linux\":{",
		  "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":"
		  "[\"SCMP_ARCH_X64\"]},",
		  "web: .linux.seccomp.architectures[0]: \"SCMP_ARCH_X64\" is unknown" },
		{ "\"mounts\":[]", "\"mounts\":[],\"annotations\":{\"cuvette.seccomp\":\"none\"}",
		  "web: .annotations[\"cuvette.seccomp\"]: must be \"default\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = changed(cases[i].find, cases[i].put);

		if (parse(text))
			fail_msg("accepted: %s", text);
		if (!strstr(e.text, cases[i].sentence))
			fail_msg("case %zu\n  said %s\n  want %s", i, e.text, cases[i].sentence);
	}
	assert_null(parse("[]"));
	assert_string_equal(e.text, "web: must be a JSON object");
}

static void values(void **state)
{
	struct oci_spec *s;

	(void)state;
	s = parse(changed("\"cwd\"",
			  "\"env\":[\"A=1\"],\"noNewPrivileges\":true,\"oomScoreAdj\":-5,"
			  "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":20}],"
			  "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_BPF\"]},\"cwd\""));
	assert_non_null(s);
	assert_string_equal(s->process.args[0], "sh");
	assert_null(s->process.args[1]);
	assert_string_equal(s->process.env[0], "A=1");
	assert_int_equal(s->process.user.uid, 1000);
	assert_int_equal(s->process.user.gid, 100);
	assert_int_equal(s->process.user.umask, -1);
	assert_true(s->process.no_new_privs && s->process.has_oom_score_adj);
	assert_int_equal(s->process.oom_score_adj, -5);
	assert_int_equal(s->process.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(s->process.rlimits[0].hard, 20);
	assert_int_equal(s->process.caps.bounding, 1ull << 39 | 1);
	assert_int_equal(s->namespaces, 1u << OCI_NS_USER | 1u << OCI_NS_UTS);
	assert_int_equal(s->uid_maps.items[0].host_id, 1048576);
	assert_false(s->seccomp_default);
	assert_null(s->seccomp);
}

static void fill(struct oci_spec *s)
{
	static const char *const args[] = { "sh", "-c", "echo \"\\\n\x01 \xc3\xa4\"" };
	struct oci_process *p = &s->process;

	p->args = oci_strings(arena, args, 3);
	p->env = oci_strings_add(arena, oci_strings_add(arena, NULL, "A=1"), "B=");
	p->user = (struct oci_user){ .uid = 1000, .gid = 100, .umask = 077, .group_count = 2 };
	p->user.groups = arena_array(arena, 2, sizeof(uint32_t));
	p->user.groups[1] = 7;
	p->rlimits[p->rlimit_count++] = (struct oci_rlimit){ RLIMIT_CORE, 0, UINT64_MAX };
	p->no_new_privs = p->has_oom_score_adj = true;
	p->oom_score_adj = 500;
	s->root_readonly = true;
	s->resources = (struct oci_resources){
		.memory_limit_bytes = 1 << 30,
		.memory_swap_bytes = -1,
		.memory_reservation_bytes = 5,
		.pids_limit = 100,
		.cpu_quota_us = 50000,
		.cpu_period_us = 100000,
		.cpu_shares = 512,
		.cpu_cpus = "0-1",
		.cpu_mems = "0",
	};
	s->sysctl = arena_array(arena, 1, sizeof(*s->sysctl));
	s->sysctl[s->sysctl_count++] = (struct oci_pair){ "kernel.shmmax", "1" };
}

static char *written(const struct oci_spec *s)
{
	struct buf out;
	char *text;

	buf_init(&out, OCI_SPEC_BYTES_MAX);
	assert_true(oci_spec_write(s, &out));
	text = arena_strn(arena, out.data, out.size_bytes);
	buf_finish(&out);
	return text;
}

/* Written, read, written: the same bytes; what a reader drops would be missing in the second. */
static void round_trip(void **state)
{
	const struct oci_defaults d = {
		.hostname = "lab",
		.cgroups_path = "/box/lab",
		.id_base = 1048576,
		.own_network = true,
	};
	struct oci_spec *s = oci_spec_defaults(arena, &d), *again;
	char *first;

	(void)state;
	fill(s);
	first = written(s);
	again = parse(first);
	if (!again)
		fail_msg("%s", e.text);
	assert_string_equal(written(again), first);
	assert_true(again->seccomp_default);
	assert_int_equal(again->process.caps.bounding, oci_default_caps());
	assert_int_equal(again->process.caps.inheritable, 0);
	assert_int_equal(again->resources.memory_swap_bytes, -1);
	assert_int_equal(again->process.user.groups[1], 7);
	assert_string_equal(again->process.args[2], s->process.args[2]);
}

static void round_trip_seccomp(void **state)
{
	static const char profile[] =
		"\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":"
		"38,"
		"\"architectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X86_64\"],\"syscalls\":["
		"{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,\"args\":["
		"{\"index\":0,\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":2114060288,\"valueTwo\":3}]}]"
		"},";
	struct oci_spec *s = parse(changed("\"linux\":{", profile));
	char *first;

	(void)state;
	if (!s)
		fail_msg("%s", e.text);
	assert_int_equal(s->seccomp->default_errno, 38);
	assert_int_equal(s->seccomp->rule_count, 2);
	assert_int_equal(s->seccomp->rules[1].args[0].op, OCI_SECCOMP_MASKED_EQ);
	assert_int_equal(s->seccomp->rules[1].args[0].value_two, 3);
	first = written(s);
	s = parse(first);
	if (!s)
		fail_msg("%s", e.text);
	assert_string_equal(written(s), first);
}

static void defaults(void **state)
{
	const struct oci_defaults d = { .id_base = 1114112, .shm_bytes = 1000 };
	struct oci_spec *s = oci_spec_defaults(arena, &d);
	int network = 0, cgroup = 0, shm = 0;

	(void)state;
	for (size_t i = 0; i < s->mount_count; i++) {
		cgroup += strcmp(s->mounts[i].destination, "/sys/fs/cgroup") == 0;
		for (size_t k = 0; s->mounts[i].options[k]; k++)
			shm += strcmp(s->mounts[i].options[k], "size=1000") == 0;
	}
	network = !!(s->namespaces & 1u << OCI_NS_NETWORK);
	assert_int_equal(network, 0);
	assert_int_equal(cgroup, 0);
	assert_int_equal(shm, 1);
	assert_int_equal(s->process.caps.effective, 0xa80425fb);	/* as docker run shows it */
	assert_int_equal(s->uid_maps.items[0].host_id, 1114112);
	assert_false(s->process.no_new_privs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(round_trip_seccomp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(defaults, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
