/* test_bundle.c - configurations of other makers: as crun, runc, Docker, podman and containerd
 * write them (the fuzzer's seeds), what is passed over, what becomes a warning, and every member's
 * value. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_seccomp.h"

#define SEEDS "tests/fuzz/corpus/spec"

enum { FILE_BYTES_MAX = 1 << 16 };

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

static const char *seed(const char *name)
{
	char *text = arena_alloc(arena, FILE_BYTES_MAX + 1);
	int fd = open(arena_format(arena, SEEDS "/%s", name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, text, FILE_BYTES_MAX) > 0);
	close(fd);
	return text;
}

static struct oci_spec *parse(const char *text)
{
	struct oci_spec *s = oci_spec_parse_bundle(arena, "x", text, strlen(text), &e);

	if (!s)
		fail_msg("%s", e.text);
	return s;
}

static const char *written(const struct oci_spec *s)
{
	struct buf out;
	const char *text;

	buf_init(&out, OCI_SPEC_BYTES_MAX);
	assert_true(oci_spec_write(s, &out));
	text = arena_strn(arena, out.data, out.size_bytes);
	buf_finish(&out);
	return text;
}

/* What is written says the same, and holds no member that a strict reader does not know. */
static void seeds(void **state)
{
	DIR *folder = opendir(SEEDS);
	struct dirent *entry;
	int count = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		if (!str_ends(entry->d_name, ".json") || str_equal(entry->d_name, "process.json") ||
		    str_equal(entry->d_name, "resources.json"))
			continue;
		struct oci_spec *s = parse(seed(entry->d_name)), *again;
		const char *first = written(s);

		again = parse(first);
		assert_string_equal(written(again), first);
		assert_null(strstr(first, "useHierarchy"));
		if (s->has_process && s->cgroups_path && s->cgroups_path[0] == '/' &&
		    !oci_spec_parse(arena, entry->d_name, first, strlen(first), &e))
			fail_msg("%s", e.text);
		count++;
	}
	closedir(folder);
	assert_true(count >= 9);
}

static void warnings(void **state)
{
	static const char *const pod[] = {
		"x: .process.capabilities.ambient[1]: no capability is called \"CAP_NEW_ONE\", it "
		"is left out",
		"x: .process.capabilities: ambient is cut to what permitted and inheritable have",
		"x: .mounts[7].destination: \"run/secrets\" should be an absolute path, taken as "
		"/run/secrets",
	};
	struct oci_spec *s = parse(seed("containerd_pod.json"));
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pod) / sizeof(pod[0]); i++)
		assert_string_equal(s->warnings[i], pod[i]);
	assert_null(s->warnings[i]);
	assert_int_equal(s->process.caps.ambient, 0);
	assert_string_equal(s->mounts[7].destination, "/run/secrets");
	assert_null(parse(seed("runc.json"))->warnings);
	assert_null(parse(seed("docker.json"))->warnings);
	/* A list that never ends is cut: nobody reads the hundredth warning. */
	char many[8192] =
		"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"args\":"
		"[\"a\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"x\"";

	for (i = 0; i < 100; i++)
		strcat(many, ",\"x\"");
	s = parse(strcat(many, "]}}}"));
	for (i = 0; s->warnings[i]; i++)
		;
	assert_int_equal(i, 32);
}

/* Encoders that know no absence write 0 and "" for it. */
static void empty_values(void **state)
{
	const struct oci_spec *s = parse(seed("containerd_pod.json"));

	(void)state;
	assert_null(s->resources.cpu_cpus);
	assert_null(s->resources.cpu_mems);
	assert_int_equal(s->resources.cpu_quota_us, 0);
	s = parse(seed("docker.json"));
	assert_null(s->domainname);
	assert_int_equal(s->resources.io_weight, 0);
	assert_int_equal(s->resources.pids_limit, -1);
	assert_true(s->resources.devices[2].minor == -1 && s->resources.devices[2].major == 42);
	assert_int_equal(s->process.rlimits[0].hard, UINT64_MAX);
	s = parse(seed("no_process.json"));
	assert_false(s->has_process);
	assert_int_equal(s->namespaces, 0);
}

static void process_values(const struct oci_process *p)
{
	assert_true(p->terminal && p->no_new_privs && p->has_oom_score_adj);
	assert_true(p->console_rows == 24 && p->console_columns == 80);
	assert_true(p->user.uid == 1 && p->user.gid == 2 && p->user.umask == 63);
	assert_true(p->scheduler->policy == 6 && p->scheduler->flags == 3);
	assert_true(p->scheduler->runtime_ns == 10000 && p->scheduler->period_ns == 30000);
	assert_true(p->io_priority->class == 3 && p->io_priority->level == 7);
	assert_string_equal(p->affinity_initial, "0-3,7");
	assert_string_equal(p->affinity_final, "8191");
	assert_string_equal(p->apparmor_profile, "p");
	assert_int_equal(p->oom_score_adj, -1000);
}

static void resource_values(const struct oci_resources *o)
{
	assert_true(o->memory_limit_bytes == 100 && o->memory_reservation_bytes == -1);
	assert_true(o->memory_swap_bytes == 200 && o->memory_kernel_bytes == -1);
	assert_true(o->memory_kernel_tcp_bytes == 5 && o->memory_has_swappiness);
	assert_true(o->memory_swappiness == 60 && o->memory_disable_oom_killer);
	assert_true(o->memory_check_before_update);
	assert_true(o->cpu_burst_us == 1000000 && o->has_cpu_idle && o->cpu_idle == 1);
	assert_true(o->cpu_realtime_runtime_us == 950000 && o->cpu_realtime_period_us == 1000000);
	assert_true(o->has_pids_limit && o->pids_limit == 0 && o->has_network);
	assert_true(o->io_weight == 10 && o->io_leaf_weight == 10);
	assert_true(o->io_weights[0].weight == 500 && o->io_weights[0].leaf_weight == 300);
	assert_true(o->io_rates[OCI_THROTTLE_READ_BPS][0].rate == 600);
	assert_true(o->io_rates[OCI_THROTTLE_WRITE_BPS][0].rate == 1);
	assert_true(o->io_rates[OCI_THROTTLE_READ_IOPS][0].rate == 2);
	assert_true(o->io_rates[OCI_THROTTLE_WRITE_IOPS][0].minor == 16);
	assert_string_equal(o->hugepages[0].page_size, "64KB");
	assert_true(o->rdma_count == 2 && o->rdma[0].has_handles && o->rdma[0].handles == 3);
	assert_true(!o->rdma[1].has_handles && o->rdma[1].has_objects);
	assert_true(o->devices[0].allow && o->devices[0].type == 'c');
	assert_true(o->devices[0].access == (OCI_ACCESS_READ | OCI_ACCESS_WRITE));
	assert_true(!o->devices[1].allow && o->devices[1].type == 'a');
	assert_true(o->devices[1].access == 7 && o->devices[1].major == -1);
	assert_string_equal(o->unified[0].key, "io.max");
}

static void linux_values(const struct oci_spec *s)
{
	assert_true(s->namespaces == (1u << OCI_NS_PID | 1u << OCI_NS_MOUNT | 1u << OCI_NS_UTS |
				      1u << OCI_NS_IPC | 1u << OCI_NS_CGROUP | 1u << OCI_NS_TIME));
	assert_string_equal(s->namespace_paths[OCI_NS_USER], "/proc/2/ns/user");
	assert_string_equal(s->namespace_paths[OCI_NS_NETWORK], "/n");
	assert_null(s->namespace_paths[OCI_NS_PID]);
	assert_true(s->time_monotonic.given && s->time_monotonic.seconds == -5);
	assert_true(s->time_monotonic.nanoseconds == 7 && s->time_boottime.seconds == 9);
	assert_true(s->device_count == 3 && s->devices[0].mode == 0660 && s->devices[0].gid == 2);
	assert_true(s->devices[1].type == 'p' && s->devices[1].mode == 0666);
	assert_true(s->devices[2].type == 'c' && s->devices[2].minor == 3);
	assert_string_equal(s->net_devices[0].name, "net0");
	assert_null(s->net_devices[1].name);
	assert_string_equal(s->cgroups_path, "a/b");
	assert_true(s->rootfs_propagation == (MS_SHARED | MS_REC));
	assert_true(s->has_personality && s->personality == PER_LINUX32);
	assert_true(s->memory_policy->mode == 3 && s->memory_policy->flags == 1 << 15);
	assert_string_equal(s->memory_policy->nodes, "2-3");
	assert_true(s->seccomp->flags == (1 | 2 | 4 | 32) && s->seccomp->default_errno == 65535);
	assert_string_equal(s->seccomp->listener_path, "/run/s");
	assert_true(s->seccomp->rules[0].action == OCI_SECCOMP_NOTIFY);
	assert_true(s->seccomp->rules[1].action == OCI_SECCOMP_KILL_THREAD);
	assert_true(s->seccomp->rules[2].args[0].value == UINT64_MAX);
}

static void values(void **state)
{
	const struct oci_spec *s = parse(seed("every.json"));

	(void)state;
	assert_true(s->has_process && s->root_readonly);
	process_values(&s->process);
	resource_values(&s->resources);
	linux_values(s);
	assert_string_equal(s->domainname, "d");
	for (unsigned i = 0; i < OCI_HOOKS; i++) {
		assert_int_equal(s->hooks[i].count, 1);
		assert_int_equal(s->hooks[i].items[0].timeout_s, 3);
		assert_string_equal(s->hooks[i].items[0].env[0], "E=1");
	}
	assert_int_equal(s->mounts[0].uid_maps->items[0].host_id, 5);
	assert_int_equal(s->mounts[0].gid_maps->count, 1);
	/* podman passes st_mode on. */
	assert_int_equal(parse(seed("podman_rootless.json"))->devices[0].mode, 0666);
}

static void single_objects(void **state)
{
	const char *text = seed("process.json");
	const struct oci_process *p = oci_process_parse(arena, "x", text, strlen(text), &e);
	const struct oci_resources *o;

	(void)state;
	assert_non_null(p);
	process_values(p);
	text = seed("resources.json");
	o = oci_resources_parse(arena, "x", text, strlen(text), &e);
	assert_non_null(o);
	resource_values(o);
	assert_null(oci_process_parse(arena, "x", "{}", 2, &e));
	assert_string_equal(e.text, "x: args must name a program");
	assert_null(oci_process_parse(arena, "x", "[]", 2, &e));
	assert_string_equal(e.text, "x: must be a JSON object");
	assert_null(oci_resources_parse(arena, "x", "7", 1, &e));
	assert_non_null(oci_resources_parse(arena, "x", "{\"new\":1}", 9, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(seeds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(warnings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(empty_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(single_objects, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
