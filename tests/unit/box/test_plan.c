/* test_plan.c - plans as text: the default container, one with everything, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
	arena = arena_create(1 << 20);
	err_clear(&e);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

static struct oci_spec *make_spec(void)
{
	const struct oci_defaults d = {
		.hostname = "lab", .cgroups_path = "/box/lab", .id_base = 1048576,
	};
	static const char *const args[] = { "jupyter", "lab" };
	struct oci_spec *s = oci_spec_defaults(arena, &d);

	s->process.args = oci_strings(arena, args, 2);
	return s;
}

static struct box_plan plan_of(const struct oci_spec *spec)
{
	struct box_plan plan = {
		.name = "lab", .image = "lab", .spec = spec, .policy = { true, true, true },
	};

	return plan;
}

static const char golden[] =
	"box lab\n"
	"image lab\n"
	"namespaces user pid mount uts ipc cgroup\n"
	"uids 0 1048576 65536\n"
	"gids 0 1048576 65536\n"
	"cgroup /box/lab\n"
	"limit memory.max 1610612736\n"
	"limit cpu.weight 100\n"
	"limit cpu.max 150000 100000\n"
	"limit cpuset.cpus 0-1\n"
	"limit pids.max 512\n"
	"hostname lab\n"
	"new /proc proc nosuid,nodev,noexec\n"
	"new /dev tmpfs nosuid,nodev,strictatime mode=755 size=65536k\n"
	"devices /dev\n"
	"new /dev/pts devpts nosuid,noexec newinstance ptmxmode=0666 mode=0620 gid=5 max=256\n"
	"new /dev/shm tmpfs nosuid,nodev,noexec mode=1777 size=67108864\n"
	"new /dev/mqueue mqueue nosuid,nodev,noexec\n"
	"sys /sys ro,nosuid,nodev,noexec\n"
	"new /sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec\n"
	"volume /home/jovyan/work work nodev\n"
	"volume /data set ro,nodev\n"
	"mask /proc/acpi\n"
	"mask /proc/asound\n"
	"mask /proc/interrupts\n"
	"mask /proc/kcore\n"
	"mask /proc/keys\n"
	"mask /proc/latency_stats\n"
	"mask /proc/sched_debug\n"
	"mask /proc/scsi\n"
	"mask /proc/timer_list\n"
	"mask /proc/timer_stats\n"
	"mask /sys/devices/virtual/powercap\n"
	"mask /sys/firmware\n"
	"mask /sys/devices/system/cpu/cpu0/thermal_throttle\n"
	"mask /sys/devices/system/cpu/cpu1/thermal_throttle\n"
	"read-only /proc/bus\n"
	"read-only /proc/fs\n"
	"read-only /proc/irq\n"
	"read-only /proc/sys\n"
	"read-only /proc/sysrq-trigger\n"
	"root-read-only /\n"
	"sysctl kernel.shmmax 1000\n"
	"seccomp default\n"
	"exec jupyter lab\n"
	"cwd /\n"
	"user 1000:100 7\n"
	"caps bounding CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP "
	"NET_BIND_SERVICE "
	"NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP\n"
	"caps effective\n"
	"caps permitted\n"
	"caps inheritable\n"
	"caps ambient\n"
	"rlimit RLIMIT_NOFILE 1024 4096\n"
	"no-new-privs yes\n";

static void whole(void **state)
{
	static const struct box_volume volumes[] = {
		{ "work", "share", "/home/jovyan/work", false }, { "set", "", "/data", true },
	};
	static uint32_t groups[] = { 7 };
	struct oci_spec *s = make_spec();
	struct oci_pair sysctl = { "kernel.shmmax", "1000" };
	struct box_plan plan = plan_of(s);
	struct buf out;

	(void)state;
	s->process.user = (struct oci_user){ 1000, 100, groups, 1, -1 };
	s->process.caps.effective = s->process.caps.permitted = 0;
	s->process.no_new_privs = s->root_readonly = true;
	s->process.rlimits[s->process.rlimit_count++] = (struct oci_rlimit){ 7, 1024, 4096 };
	s->resources = (struct oci_resources){
		.memory_limit_bytes = 1536ll << 20, .cpu_quota_us = 150000, .cpu_shares = 1024,
		.cpu_cpus = "0-1", .pids_limit = 512,
	};
	s->sysctl = &sysctl;
	s->sysctl_count = 1;
	plan.volumes = volumes;
	plan.volume_count = COUNT(volumes);
	if (box_plan_make(&plan, arena, 2, &e) || box_plan_check_service(&plan, &e))
		fail_msg("%s", e.text);
	assert_int_equal(plan.log_bytes, BOX_LOG_BYTES);
	buf_init(&out, 1 << 16);
	box_plan_print(&plan, &out);
	assert_string_equal(out.data, golden);
	buf_finish(&out);
}

static struct oci_mount mounts[8];

static void bind_mount(struct oci_spec *s)
{
	mounts[0] = (struct oci_mount){ .destination = "/x", .type = "bind", .source = "/etc" };
	s->mounts = mounts;
	s->mount_count = 1;
}
static void host_fs(struct oci_spec *s)
{
	mounts[0] = (struct oci_mount){
		.destination = "/x",
		.type = "ext4",
		.source = "/dev/vda",
	};
	s->mounts = mounts;
	s->mount_count = 1;
}
static void no_user_ns(struct oci_spec *s) { s->namespaces &= ~(1u << OCI_NS_USER); }
static void no_pid_ns(struct oci_spec *s) { s->namespaces &= ~(1u << OCI_NS_PID); }
static void no_mount_ns(struct oci_spec *s) { s->namespaces &= ~(1u << OCI_NS_MOUNT); }
static void no_cgroup_ns(struct oci_spec *s) { s->namespaces &= ~(1u << OCI_NS_CGROUP); }
static void host_ids(struct oci_spec *s) { s->uid_maps.items[0].host_id = 0; }
static void shifted(struct oci_spec *s) { s->uid_maps.items[0].host_id += 1; }
static void two_ranges(struct oci_spec *s) { s->gid_maps.items[0].host_id += 65536; }
static void two_lines(struct oci_spec *s) { s->uid_maps.count = 2; }
static void wide(struct oci_spec *s) { s->uid_maps.items[0].size = 131072; }
static void other_cgroup(struct oci_spec *s) { s->cgroups_path = "/box/other"; }
static void upper_cgroup(struct oci_spec *s) { s->cgroups_path = "/"; }
static void no_cgroup(struct oci_spec *s)
{
	s->cgroups_path = NULL;
	s->resources.pids_limit = 5;
}
static void no_seccomp(struct oci_spec *s) { s->seccomp_default = false; }
static struct oci_pair pair;
static void set_sysctl(struct oci_spec *s, const char *key)
{
	pair = (struct oci_pair){ key, "1" };
	s->sysctl = &pair;
	s->sysctl_count = 1;
}
static void host_sysctl(struct oci_spec *s) { set_sysctl(s, "kernel.core_pattern"); }
static void net_sysctl(struct oci_spec *s) { set_sysctl(s, "net.ipv4.ip_forward"); }
static void path_sysctl(struct oci_spec *s) { set_sysctl(s, "kernel.shm/../../x"); }
static void dots_sysctl(struct oci_spec *s) { set_sysctl(s, "kernel.shm...x"); }

static void refused(void **state)
{
	static const struct {
		void (*change)(struct oci_spec *s);
		const char *sentence;
	} cases[] = {
		{ bind_mount, ".mounts[0].type: \"bind\" is not supported" },
		{ host_fs, ".mounts[0].type: \"ext4\" is not supported" },
		{ no_user_ns, "a user namespace is required here" },
		{ no_pid_ns, "a pid namespace is required here" },
		{ no_mount_ns, "a mount namespace is required" },
		{ no_cgroup_ns, "a cgroup namespace is required here" },
		{ host_ids, "must be one line, 0 to a multiple of 65536 from 1048576 on" },
		{ shifted, "must be one line" },
		{ two_ranges, "must be one line" },
		{ two_lines, "must be one line" },
		{ wide, "must be one line" },
		{ other_cgroup, ".linux.cgroupsPath: must be /box/lab here" },
		{ upper_cgroup, ".linux.cgroupsPath: must be /box/lab here" },
		{ no_cgroup, ".linux.resources: limits need a cgroupsPath" },
		{ no_seccomp, ".linux.seccomp: a profile is required here" },
		{ host_sysctl, "belongs to the whole machine" },
		{ net_sysctl, "needs a network namespace of its own" },
		{ path_sysctl, "not a dotted name" },
		{ dots_sysctl, "not a dotted name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oci_spec *s = make_spec();
		struct box_plan plan = plan_of(s);

		cases[i].change(s);
		if (box_plan_make(&plan, arena, 1, &e) == 0 &&
		    box_plan_check_service(&plan, &e) == 0)
			fail_msg("case %zu was accepted", i);
		if (!strstr(e.text, cases[i].sentence))
			fail_msg("case %zu\n  said %s\n  want %s", i, e.text, cases[i].sentence);
	}
}

/* Whatever engined asks for: two containers have the same range, which boxd refuses, or disjoint
 * ones, and none of them an id of the machine's (A21). */
static void ranges_of_ids(void **state)
{
	enum { CONTAINERS = 1000, STEP = 4096, WIDTHS = 5 };
	static const uint32_t sizes[WIDTHS] = { 1, 65535, 65536, 65537, 131072 };
	struct oci_spec *s = make_spec();
	struct box_plan plan = plan_of(s);
	uint32_t free_from = 1000000, accepted = 0, end = BOX_ID_BASE + CONTAINERS * BOX_ID_RANGE;

	(void)state;
	assert_int_equal(box_plan_make(&plan, arena, 1, &e), 0);
	for (uint32_t first = 0; first < end; first += STEP)
		for (int i = 0; i < WIDTHS; i++) {
			struct oci_id_map map = { 0, first, sizes[i] };

			s->uid_maps.items = s->gid_maps.items = &map;
			if (box_plan_check_service(&plan, &e))
				continue;
			assert_true(first >= free_from);
			free_from = first + sizes[i];
			accepted++;
		}
	assert_int_equal(accepted, CONTAINERS);
}

static void options(void **state)
{
	static const char *words[] = { "ro",	  "rw",	      "dev",	 "suid",
				       "noatime", "relatime", "size=1k", NULL };
	const struct oci_mount tmp = { .destination = "/tmp", .type = "tmpfs", .source = "tmpfs",
				       .options = words };
	struct oci_spec *s = make_spec();
	struct box_plan plan = plan_of(s);
	struct buf out;

	(void)state;
	/* Several at /dev: each brings its devices, and there is room for all. */
	for (size_t i = 0; i < COUNT(mounts); i++)
		mounts[i] = (struct oci_mount){
			.destination = "/dev",
			.type = "tmpfs",
			.source = "tmpfs",
		};
	mounts[0] = tmp;
	s->mounts = mounts;
	s->mount_count = COUNT(mounts);
	s->masked_paths = s->readonly_paths = NULL;
	assert_int_equal(box_plan_make(&plan, arena, 4, &e), 0);
	assert_int_equal(plan.mounts.count, 1 + 2 * (COUNT(mounts) - 1));
	plan.mounts.count = 1;
	buf_init(&out, 1000);
	mount_plan_print(&plan.mounts, &out);
	assert_string_equal(out.data, "new /tmp tmpfs nodev size=1k\n");
	buf_finish(&out);
}

static void bad_volumes(void **state)
{
	static const char *const targets[] = { "", "work", "/" };

	(void)state;
	for (size_t i = 0; i < COUNT(targets); i++) {
		const struct box_volume volume = { "v", "", targets[i], false };
		struct box_plan plan = plan_of(make_spec());

		plan.volumes = &volume;
		plan.volume_count = 1;
		assert_int_equal(box_plan_make(&plan, arena, 1, &e), -1);
		assert_non_null(
			strstr(e.text, "volume v: the target must be an absolute path below /"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ranges_of_ids, set_up, tear_down),
		cmocka_unit_test_setup_teardown(options, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_volumes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
