/* test_plan.c - service + image -> config.json: read back with oci's own parser. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "compose/compose.h"
#include "engine/image.h"
#include "engine/plan.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "oci/spec.h"

static const char *const image_env[] = { "PATH=/opt/lab/bin:/bin", "LANG=C.UTF-8",
					 "HOME=/home/jovyan", NULL };
static const char *const image_entry[] = { "start.sh", NULL };
static const char *const image_command[] = { "jupyter", "lab", NULL };
static const struct image lab = {
	.name = "lab",
	.digest = "sha256:ab",
	.environment = image_env,
	.entrypoint = image_entry,
	.command = image_command,
	.user = "1000:100",
	.working_dir = "/home/jovyan",
	.stop_signal = "SIGINT",
};

struct made {
	struct arena *arena;
	struct plan plan;
	struct oci_spec *spec;
	struct err e;
};

/* keys = the service's keys behind image and network_mode. */
static struct made make_with(const char *keys, const struct image *image,
			     const char *const *command, uint64_t mem_limit_bytes, uint32_t slot)
{
	struct made m = { .arena = arena_create(16 << 20) };
	struct plan_request request = {
		.name = "lab",
		.image = image,
		.command = command,
		.mem_limit_bytes = mem_limit_bytes,
		.slot = slot,
	};
	struct compose_project *project;
	char text[1024];

	snprintf(text, sizeof(text),
		 "services: {lab: {image: lab, %s}}\nvolumes: {work: {driver: share}}\n", keys);
	project = compose_read("compose.yaml", text, strlen(text), NULL, m.arena, &m.e);
	if (!project)
		fail_msg("%s: %s", keys, m.e.text);
	request.project = project;
	request.service = &project->services[0];
	if (plan_make(&m.plan, &request, m.arena, &m.e) < 0)
		return m;
	m.spec = oci_spec_parse(m.arena, "lab", m.plan.spec, m.plan.spec_bytes, &m.e);
	if (!m.spec)
		fail_msg("%s: %s\n%s", keys, m.e.text, m.plan.spec);
	return m;
}

static struct made make(const char *keys)
{
	return make_with(keys, &lab, NULL, 0, 0);
}

static const char *join(const char **list, char *text)
{
	text[0] = '\0';
	for (; list && *list; list++) {
		strcat(text, *list);
		strcat(text, "|");
	}
	return text;
}

static void user_and_groups(void **state)
{
	struct made m = make("network_mode: host, user: '1234:5', group_add: [100, 7]");

	(void)state;
	assert_non_null(m.spec);
	assert_int_equal(m.spec->process.user.uid, 1234);
	assert_int_equal(m.spec->process.user.gid, 5);
	assert_int_equal(m.spec->process.user.group_count, 2);
	assert_int_equal(m.spec->process.user.groups[0], 100);
	assert_int_equal(m.spec->process.user.groups[1], 7);
	arena_destroy(m.arena);
	m = make("network_mode: host, group_add: [65536]");
	assert_null(m.spec);
	assert_non_null(strstr(m.e.text, "group 65536: a container has the ids 0 to 65535"));
	arena_destroy(m.arena);
}

static void commands_merge_as_docker_does(void **state)
{
	static const struct {
		const char *keys, *arguments;	/* NULL = refused */
	} rows[] = {
		{ "network_mode: host", "start.sh|jupyter|lab|" },
		{ "network_mode: host, command: python x.py", "start.sh|python|x.py|" },
		{ "network_mode: host, command: []", "start.sh|" },
		{ "network_mode: host, command: ''", "start.sh|" },
		{ "network_mode: host, command: null", "start.sh|jupyter|lab|" },
		{ "network_mode: host, entrypoint: tini --", "tini|--|" },
		{ "network_mode: host, entrypoint: [sh, -c], command: [ls]", "sh|-c|ls|" },
		{ "network_mode: host, entrypoint: [], command: [ls]", "ls|" },
		{ "network_mode: host, entrypoint: []", NULL },
	};
	static const char *const batch[] = { "cuvette-batch", "work/a.py", NULL };
	char text[256];
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = make(rows[i].keys);
		if (rows[i].arguments ? !m.spec || strcmp(join(m.spec->process.args, text),
							  rows[i].arguments) != 0
				      : m.spec != NULL)
			fail_msg("%s: %s", rows[i].keys, m.spec ? text : m.e.text);
		arena_destroy(m.arena);
	}
	m = make_with("network_mode: host, command: other", &lab, batch, 0, 0);
	assert_string_equal(join(m.spec->process.args, text), "start.sh|cuvette-batch|work/a.py|");
	arena_destroy(m.arena);
}

static void environment_merges_by_name(void **state)
{
	char text[512];
	struct made m = make("network_mode: host, environment: {LANG: de, NEW: '1', HOMES: x}");

	(void)state;
	assert_string_equal(
		join(m.spec->process.env, text),
		"PATH=/opt/lab/bin:/bin|HOSTNAME=lab|HOME=/home/jovyan|LANG=de|NEW=1|HOMES=x|");
	arena_destroy(m.arena);
}

static void users(void **state)
{
	static const struct {
		const char *keys;
		int uid, gid;		/* -1 = refused */
	} rows[] = {
		{ "network_mode: host", 1000, 100 },
		{ "network_mode: host, user: 5", 5, 0 },
		{ "network_mode: host, user: '5:6'", 5, 6 },
		{ "network_mode: host, user: jovyan", -1, 0 },
		{ "network_mode: host, user: '5:users'", -1, 0 },
		{ "network_mode: host, user: 65536", -1, 0 },
		{ "network_mode: host, user: '-1'", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made m = make(rows[i].keys);

		if (rows[i].uid < 0
			    ? m.spec != NULL
			    : !m.spec || m.spec->process.user.uid != (uint32_t)rows[i].uid ||
				      m.spec->process.user.gid != (uint32_t)rows[i].gid)
			fail_msg("%s: %s", rows[i].keys, m.e.text);
		if (rows[i].uid < 0)
			assert_non_null(strstr(m.e.text, "service lab: user"));
		arena_destroy(m.arena);
	}
}

static void limits_arrive(void **state)
{
	struct made m = make(
		"network_mode: none, mem_limit: 1536m, mem_reservation: 1g, memswap_limit: 2g, "
		"cpus: 1.5, "
		"cpu_shares: 512, cpuset: '0', pids_limit: 100, shm_size: 768m, read_only: true, "
		"security_opt: [no-new-privileges], tmpfs: ['/run:size=1m'], ulimits: {nofile: "
		"1024}");
	const struct oci_resources *r = &m.spec->resources;
	bool shm = false, run = false;
	char text[256];

	(void)state;
	assert_true(r->memory_limit_bytes == 1536ll << 20);
	assert_true(r->memory_reservation_bytes == 1ll << 30);
	assert_true(r->memory_swap_bytes == 2ll << 30);
	assert_true(r->cpu_quota_us == 150000 && r->cpu_period_us == 100000);
	assert_true(r->cpu_shares == 512 && r->pids_limit == 100);
	assert_string_equal(r->cpu_cpus, "0");
	assert_true(m.spec->root_readonly && m.spec->process.no_new_privs);
	assert_true(m.spec->namespaces & 1u << OCI_NS_NETWORK);
	assert_true(m.spec->namespaces & 1u << OCI_NS_USER);
	assert_int_equal(m.spec->process.rlimit_count, 1);
	assert_int_equal(m.spec->process.rlimits[0].hard, 1024);
	assert_string_equal(m.spec->process.cwd, "/home/jovyan");
	assert_string_equal(m.spec->cgroups_path, "/box/lab");
	for (size_t i = 0; i < m.spec->mount_count; i++) {
		join(m.spec->mounts[i].options, text);
		shm |= strcmp(m.spec->mounts[i].destination, "/dev/shm") == 0 &&
		       strstr(text, "size=805306368|");
		run |= strcmp(m.spec->mounts[i].destination, "/run") == 0 &&
		       strstr(text, "nosuid|nodev|noexec|size=1m|");
	}
	assert_true(shm && run);
	arena_destroy(m.arena);
}

static void names_come_from_the_appliance(void **state)
{
	struct made host = make("network_mode: host"), none = make("network_mode: none");

	(void)state;
	assert_string_equal(host.plan.names[0], "resolv.conf");
	assert_string_equal(host.plan.names[2], "hostname");
	assert_null(host.plan.names[3]);
	assert_string_equal(none.plan.names[0], "hosts");
	assert_null(none.plan.names[2]);
	arena_destroy(host.arena);
	arena_destroy(none.arena);
}

static void files_are_limited_unasked(void **state)
{
	struct made m = make_with("network_mode: host, ulimits: {core: 0}", &lab, NULL, 0, 0);

	(void)state;
	assert_int_equal(m.spec->process.rlimit_count, 2);
	assert_int_equal(m.spec->process.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(m.spec->process.rlimits[0].soft, 1024);
	arena_destroy(m.arena);
}

static void launcher_overrides_memory(void **state)
{
	struct made m = make_with("network_mode: host, mem_limit: 1g, mem_reservation: 900m", &lab,
				  NULL, 512 << 20, 0);

	(void)state;
	assert_true(m.spec->resources.memory_limit_bytes == 512 << 20);
	assert_true(m.spec->resources.memory_reservation_bytes == 0);
	assert_true(m.plan.mem_limit_bytes == 512 << 20);
	assert_false(m.spec->namespaces & 1u << OCI_NS_NETWORK);
	arena_destroy(m.arena);
}

static void capabilities(void **state)
{
	const uint64_t defaults = 0xa80425fb;		/* Docker's 14 */
	static const struct {
		const char *keys;
		uint64_t drop, add;
		bool none, all;
	} rows[] = {
		{ "network_mode: host", 0, 0, false, false },
		{ "network_mode: host, cap_add: [NET_ADMIN]", 0, 1ull << 12, false, false },
		{ "network_mode: host, cap_drop: [CHOWN]", 1, 0, false, false },
		{ "network_mode: host, cap_drop: [ALL]", 0, 0, true, false },
		{ "network_mode: host, cap_drop: [ALL], cap_add: [CHOWN]", 0, 1, true, false },
		{ "network_mode: host, cap_add: [ALL], cap_drop: [CHOWN]", 1, 0, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made m = make(rows[i].keys);
		uint64_t base = rows[i].none ? 0 : rows[i].all ? (1ull << OCI_CAPS) - 1 : defaults;
		uint64_t expected = (base & ~rows[i].drop) | rows[i].add;

		if (m.spec->process.caps.bounding != expected ||
		    m.spec->process.caps.effective != expected ||
		    m.spec->process.caps.inheritable || m.spec->process.caps.ambient)
			fail_msg("%s: %llx", rows[i].keys,
				 (unsigned long long)m.spec->process.caps.bounding);
		arena_destroy(m.arena);
	}
}

static void stopping(void **state)
{
	struct made m = make("network_mode: host, stop_grace_period: 2s");

	(void)state;
	assert_int_equal(m.plan.stop_signal, SIGINT);		/* the image's */
	assert_true(m.plan.stop_grace_ms == 2000);
	arena_destroy(m.arena);
	m = make("network_mode: host, stop_grace_period: 1h, stop_signal: SIGQUIT, logging: "
		 "{options: {max-size: 5m}}");
	assert_int_equal(m.plan.stop_signal, SIGQUIT);
	assert_true(m.plan.stop_grace_ms == 3600000);
	assert_true(m.plan.log_bytes == 5 << 20);
	arena_destroy(m.arena);
}

static void id_ranges_by_slot(void **state)
{
	struct made m = make_with("network_mode: host", &lab, NULL, 0, 0);

	(void)state;
	assert_true(m.spec->uid_maps.items[0].host_id == 1048576 &&
		    m.spec->uid_maps.items[0].size == 65536);
	arena_destroy(m.arena);
	m = make_with("network_mode: host", &lab, NULL, 0, 3);
	assert_true(m.spec->gid_maps.items[0].host_id == 1048576 + 3 * 65536);
	arena_destroy(m.arena);
}

/* All slots there are: no id of one is an id of another, nor of a user of the machine itself. */
static void id_ranges_are_apart(void **state)
{
	uint64_t end = 65536;

	(void)state;
	for (uint32_t slot = 0; slot < PLAN_SLOTS_MAX; slot++) {
		struct made m = make_with("network_mode: host", &lab, NULL, 0, slot);
		const struct oci_id_map *uids = m.spec->uid_maps.items,
					*gids = m.spec->gid_maps.items;

		assert_true(m.spec->uid_maps.count == 1 && m.spec->gid_maps.count == 1);
		assert_true(uids->container_id == 0 && gids->container_id == 0);
		assert_true(uids->host_id == gids->host_id && uids->size == gids->size);
		assert_true(uids->host_id >= end);	/* slots go upwards */
		end = (uint64_t)uids->host_id + uids->size;
		arena_destroy(m.arena);
	}
	assert_true(end < UINT32_MAX);	/* which is no id */
}

static void revision_follows_settings(void **state)
{
	struct made a = make("network_mode: host, volumes: ['work:/w']");
	struct made b = make("network_mode: host, volumes: ['work:/w']");
	struct made c = make("network_mode: host, volumes: ['work:/w:ro']");
	struct made d = make("network_mode: host, volumes: ['work:/w'], environment: {A: b}");

	(void)state;
	assert_string_equal(a.plan.revision, b.plan.revision);
	assert_string_not_equal(a.plan.revision, c.plan.revision);
	assert_string_not_equal(a.plan.revision, d.plan.revision);
	arena_destroy(a.arena);
	arena_destroy(b.arena);
	arena_destroy(c.arena);
	arena_destroy(d.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_and_groups),
		cmocka_unit_test(commands_merge_as_docker_does),
		cmocka_unit_test(environment_merges_by_name),
		cmocka_unit_test(users),
		cmocka_unit_test(limits_arrive),
		cmocka_unit_test(names_come_from_the_appliance),
		cmocka_unit_test(files_are_limited_unasked),
		cmocka_unit_test(launcher_overrides_memory),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(stopping),
		cmocka_unit_test(id_ranges_by_slot),
		cmocka_unit_test(id_ranges_are_apart),
		cmocka_unit_test(revision_follows_settings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
