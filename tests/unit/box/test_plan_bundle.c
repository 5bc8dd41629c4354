/* test_plan_bundle.c - plans of the command line: a bundle with everything as text, namespaces new,
 * joined and absent, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "box/plan.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct arena *arena;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	arena = arena_create(4 << 20);
	err_clear(&e);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

/* namespaces: the inside of the array; more: further members of `linux`; top: of the document. */
static int make(struct box_plan *plan, const char *namespaces, const char *more, const char *top)
{
	const char *text = arena_format(
		arena,
		"{\"ociVersion\":\"1.3.0\",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"},"
		"\"root\":{\"path\":\"rootfs\"},%s\"linux\":{%s\"namespaces\":[%s]}}",
		top, more, namespaces);

	*plan = (struct box_plan){ .name = "c1", .bundle = "/b" };
	plan->spec = oci_spec_parse_bundle(arena, "config.json", text, strlen(text), &e);
	return plan->spec ? box_plan_make(plan, arena, 1, &e) : -1;
}

#define MOUNT "{\"type\":\"mount\"}"

static void flags(void **state)
{
	static const struct {
		const char *namespaces;
		uint64_t flags, late;
	} cases[] = {
		{ MOUNT, CLONE_NEWNS, 0 },
		{ MOUNT ",{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/run/netns/x\"}",
		  CLONE_NEWNS | CLONE_NEWPID, 0 },
		{ MOUNT ",{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"network\"},"
			"{\"type\":\"time\"}",
		  CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | 0x80, 0 },
		/* Only from inside its cgroup. */
		{ MOUNT ",{\"type\":\"cgroup\"}", CLONE_NEWNS, CLONE_NEWCGROUP },
		{ "{\"type\":\"mount\",\"path\":\"/proc/1/ns/mnt\"}", 0, 0 },
		/* With its ids, or its message queues are nobody's. */
		{ MOUNT ",{\"type\":\"ipc\"},{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}",
		  CLONE_NEWNS, CLONE_NEWIPC },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct box_plan plan;

		if (make(&plan, cases[i].namespaces, "", ""))
			fail_msg("case %zu: %s", i, e.text);
		assert_int_equal(plan.clone_flags, cases[i].flags);
		assert_int_equal(plan.late_flags, cases[i].late);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *namespaces, *more, *top, *sentence;
	} cases[] = {
		{ "{\"type\":\"pid\"}", "", "", "a mount namespace is required" },
		{ "{\"type\":\"mount\",\"path\":\"/proc/1/ns/mnt\"}", "",
		  "\"mounts\":[{\"destination\":\"/x\",\"type\":\"tmpfs\"}],",
		  ".mounts: a mount namespace that is joined has its mounts already" },
		{ MOUNT, "", "\"hostname\":\"h\",", ".hostname: needs a uts namespace" },
		{ MOUNT, "", "\"domainname\":\"d\",", ".domainname: needs a uts namespace" },
		{ MOUNT ",{\"type\":\"time\",\"path\":\"/proc/1/ns/time\"}",
		  "\"timeOffsets\":{\"boottime\":{\"secs\":1}},", "", "a new time namespace" },
		{ MOUNT ",{\"type\":\"user\"}", "", "", "idMappings" },
		{ MOUNT, "\"sysctl\":{\"net.core.somaxconn\":\"1\"},", "",
		  ".linux.sysctl.net.core.somaxconn: needs a network namespace" },
		{ MOUNT, "\"sysctl\":{\"kernel.sem\":\"1\"},", "", "needs a ipc namespace" },
		{ MOUNT, "\"sysctl\":{\"user.max_ipc_namespaces\":\"1\"},", "",
		  "needs a user namespace" },
		{ MOUNT, "\"sysctl\":{\"kernel.domainname\":\"x\"},", "", "needs a uts namespace" },
		{ MOUNT, "\"sysctl\":{\"kernel.hostname\":\"x\"},", "",
		  "is what .hostname is for" },
		{ MOUNT ",{\"type\":\"ipc\"}", "\"sysctl\":{\"kernel.semx\":\"1\"},", "",
		  "belongs to the whole machine" },
		{ MOUNT ",{\"type\":\"ipc\"}", "\"sysctl\":{\"kernel.shm.x\":\"1\"},", "",
		  "belongs to the whole machine" },
		{ MOUNT ",{\"type\":\"network\"}", "\"sysctl\":{\"net..x\":\"1\"},", "",
		  "not a dotted name" },
		{ MOUNT ",{\"type\":\"network\"}", "\"sysctl\":{\"net/../kernel\":\"1\"},", "",
		  "not a dotted name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct box_plan plan;

		if (make(&plan, cases[i].namespaces, cases[i].more, cases[i].top) == 0)
			fail_msg("case %zu was accepted", i);
		if (!strstr(e.text, cases[i].sentence))
			fail_msg("case %zu\n  said %s\n  want %s", i, e.text, cases[i].sentence);
	}
}

static void sysctls(void **state)
{
	struct box_plan plan;

	(void)state;
	/* A joined one will do: whether it is the machine's own is seen when it is opened. */
	if (make(&plan,
		 MOUNT ",{\"type\":\"network\",\"path\":\"/run/netns/x\"},{\"type\":\"ipc\"}",
		 "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\",\"kernel.shm_rmid_forced\":\"1\","
		 "\"fs.mqueue.msg_max\":\"9\"},",
		 ""))
		fail_msg("%s", e.text);
	assert_int_equal(plan.sysctl_namespaces, 1u << OCI_NS_NETWORK | 1u << OCI_NS_IPC);
}

static const char everything[] =
	"{\"ociVersion\":\"1.3.0\",\"hostname\":\"h\",\"domainname\":\"d\",\"process\":{\"args\":["
	"\"sh\","
	"\"-c\"],\"cwd\":\"/w\",\"terminal\":true,\"consoleSize\":{\"height\":2,\"width\":3},"
	"\"user\":{\"uid\":1,\"gid\":2,\"umask\":23,\"additionalGids\":[3]},\"oomScoreAdj\":-5,"
	"\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":4},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_IDLE\",\"priority\":7},"
	"\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"0-1\"}},\"root\":{\"path\":\"rootfs\"},"
	"\"hooks\":{\"poststop\":[{\"path\":\"/h\",\"args\":[\"h\",\"x\"],\"timeout\":9}]},"
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"time\"},"
	"{\"type\":\"ipc\",\"path\":\"/i\"}],\"timeOffsets\":{\"monotonic\":{\"secs\":-1,"
	"\"nanosecs\":2}},\"personality\":{\"domain\":\"LINUX32\"},\"memoryPolicy\":"
	"{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\"},\"sysctl\":{\"kernel.sem\":\"1\"},"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}}}";

static void printed(void **state)
{
	struct box_plan plan = { .name = "c1", .bundle = "/b" };
	struct buf out;

	(void)state;
	plan.spec = oci_spec_parse_bundle(arena, "config.json", everything, strlen(everything), &e);
	if (!plan.spec || box_plan_make(&plan, arena, 1, &e))
		fail_msg("%s", e.text);
	plan.mounts.count = 0;		/* test_mount_plan.c has them */
	buf_init(&out, 1 << 16);
	box_plan_print(&plan, &out);
	assert_string_equal(out.data,
			    "box c1\n"
			    "bundle /b\n"
			    "namespaces mount uts time\n"
			    "join ipc /i\n"
			    "clock monotonic -1 s 2 ns\n"
			    "hostname h\n"
			    "domainname d\n"
			    "sysctl kernel.sem 1\n"
			    "personality 0x8\n"
			    "memory-policy MPOL_BIND 0\n"
			    "hook poststop /h within 9 s: h x\n"
			    "seccomp SCMP_ACT_ERRNO, 1 rules SECCOMP_FILTER_FLAG_LOG\n"
			    "exec sh -c\n"
			    "cwd /w\n"
			    "user 1:2 3\n"
			    "umask 0027\n"
			    "terminal 2 rows 3 columns\n"
			    "caps bounding\n"
			    "caps effective\n"
			    "caps permitted\n"
			    "caps inheritable\n"
			    "caps ambient\n"
			    "oom-score-adj -5\n"
			    "scheduler 3 nice 4 priority 0 flags 0 runtime 0 deadline 0 period 0\n"
			    "io-priority class 3 level 7\n"
			    "exec-affinity initial 0\n"
			    "exec-affinity final 0-1\n"
			    "no-new-privs no\n");
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sysctls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(printed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
