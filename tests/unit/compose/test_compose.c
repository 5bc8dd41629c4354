/* test_compose.c - compose files: what each key becomes, and the sentence for each mistake. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "compose/compose.h"
#include "compose/interpolate.h"
#include "lib/arena.h"
#include "lib/err.h"

static const struct compose_var vars[] = { { "TOKEN", "secret" }, { "MEM", "2g" }, { NULL, NULL } };

static const char whole[] =
	"name: cuvette\n"
	"version: '3'\n"
	"x-mine: {anything: [goes]}\n"
	"services:\n"
	"  lab:\n"
	"    image: lab\n"
	"    command: start --ip '0.0.0.0 x'\n"
	"    entrypoint: []\n"
	"    environment:\n"
	"      JUPYTER_TOKEN: ${TOKEN}\n"
	"      NUMBER: 5\n"
	"      FLAG: true\n"
	"      TOKEN:\n"
	"      NOT_SET:\n"
	"    user: 1000:100\n"
	"    group_add: [100, '27']\n"
	"    working_dir: /home/jovyan\n"
	"    hostname: lab\n"
	"    volumes:\n"
	"      - work:/home/jovyan/work\n"
	"      - {type: volume, source: data, target: /data, read_only: true}\n"
	"      - data:/more:ro\n"
	"    network_mode: host\n"
	"    restart: on-failure:3\n"
	"    mem_limit: ${MEM}\n"
	"    memswap_limit: -1\n"
	"    mem_reservation: 512m\n"
	"    cpus: 1.5\n"
	"    cpu_shares: 512\n"
	"    cpuset: 0-1\n"
	"    pids_limit: 4096\n"
	"    shm_size: 1gb\n"
	"    ulimits:\n"
	"      nofile: {soft: 1024, hard: 4096}\n"
	"      core: 0\n"
	"      memlock: -1\n"
	"    cap_add: [NET_ADMIN]\n"
	"    cap_drop: [ALL]\n"
	"    read_only: true\n"
	"    tmpfs: [/run, '/tmp:size=64m,mode=1777']\n"
	"    init: false\n"
	"    security_opt: ['no-new-privileges:true']\n"
	"    stop_signal: SIGINT\n"
	"    stop_grace_period: 1m30s\n"
	"    labels: [a=b, c]\n"
	"    logging: {options: {max-size: 10m}}\n"
	"    deploy: {resources: {limits: {cpus: '1.5', memory: 2048m, pids: 4096}}}\n"
	"    x-cuvette: {ready: 'http://127.0.0.1:8888/api', url: '/lab?token=${TOKEN}'}\n"
	"    x-other: 5\n"
	"volumes:\n"
	"  work: {driver: share}\n"
	"  data:\n";

static void check_limits(const struct compose_service *s)
{
	assert_true(s->mem_limit_bytes == 2ull << 30);
	assert_true(s->memswap_limit_bytes == -1);
	assert_true(s->mem_reservation_bytes == 512ull << 20);
	assert_true(s->nano_cpus == 1500000000);
	assert_true(s->cpu_shares == 512);
	assert_string_equal(s->cpuset, "0-1");
	assert_true(s->pids_limit == 4096);
	assert_true(s->shm_size_bytes == 1ull << 30);
	assert_int_equal(s->rlimit_count, 3);
	assert_int_equal(s->rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(s->rlimits[0].soft == 1024 && s->rlimits[0].hard == 4096);
	assert_true(s->rlimits[1].soft == 0 && s->rlimits[1].hard == 0);
	assert_true(s->rlimits[2].soft == UINT64_MAX && s->rlimits[2].hard == UINT64_MAX);
	assert_true(s->cap_add == 1ull << 12 && s->cap_drop == UINT64_MAX);
	assert_true(s->log_max_bytes == 10 << 20);
}

static void check_mounts(const struct compose_service *s)
{
	assert_int_equal(s->mount_count, 3);
	assert_string_equal(s->mounts[0].volume, "work");
	assert_string_equal(s->mounts[0].target, "/home/jovyan/work");
	assert_false(s->mounts[0].read_only);
	assert_string_equal(s->mounts[1].volume, "data");
	assert_true(s->mounts[1].read_only && s->mounts[2].read_only);
	assert_int_equal(s->tmpfs_count, 2);
	assert_string_equal(s->tmpfs[0].target, "/run");
	assert_null(s->tmpfs[0].options);
	assert_string_equal(s->tmpfs[1].target, "/tmp");
	assert_string_equal(s->tmpfs[1].options, "size=64m,mode=1777");
}

static void every_key_arrives(void **state)
{
	struct arena *arena = arena_create(1 << 20);
	struct err e = { .text = "" };
	struct compose_project *p =
		compose_read("compose.yaml", whole, strlen(whole), vars, arena, &e);
	const struct compose_service *s;

	(void)state;
	if (!p)
		fail_msg("%s", e.text);
	assert_string_equal(p->name, "cuvette");
	assert_int_equal(p->service_count, 1);
	s = &p->services[0];
	assert_string_equal(s->name, "lab");
	assert_int_equal(s->line, 5);
	assert_string_equal(s->image, "lab");
	assert_string_equal(s->command[2], "0.0.0.0 x");
	assert_null(s->command[3]);
	assert_null(s->entrypoint[0]);
	assert_string_equal(s->environment[0], "JUPYTER_TOKEN=secret");
	assert_string_equal(s->environment[1], "NUMBER=5");
	assert_string_equal(s->environment[2], "FLAG=true");
	assert_string_equal(s->environment[3], "TOKEN=secret");
	assert_null(s->environment[4]);
	assert_string_equal(s->user, "1000:100");
	assert_int_equal(s->group_count, 2);
	assert_int_equal(s->groups[0], 100);
	assert_int_equal(s->groups[1], 27);
	assert_string_equal(s->working_dir, "/home/jovyan");
	assert_string_equal(s->hostname, "lab");
	assert_int_equal(s->network.mode, COMPOSE_NETWORK_HOST);
	assert_int_equal(s->restart, COMPOSE_RESTART_ON_FAILURE);
	assert_int_equal(s->restart_max, 3);
	assert_true(s->read_only && s->no_new_privileges);
	assert_int_equal(s->stop_signal, SIGINT);
	assert_true(s->stop_grace_ms == 90000);
	assert_int_equal(s->label_count, 2);
	assert_string_equal(s->labels[0].value, "b");
	assert_string_equal(s->labels[1].value, "");
	assert_string_equal(s->ready_url, "http://127.0.0.1:8888/api");
	assert_string_equal(s->open_url, "/lab?token=secret");
	check_limits(s);
	check_mounts(s);
	assert_string_equal(compose_volume(p, "work")->driver, "share");
	assert_string_equal(compose_volume(p, "data")->driver, "local");
	assert_null(compose_volume(p, "none"));
	arena_destroy(arena);
}

static void what_is_not_given(void **state)
{
	static const char text[] =
		"services: {a: {image: x, network_mode: none, environment: [B=1, C, B=2]}}";
	struct arena *arena = arena_create(1 << 20);
	struct err e = { .text = "" };
	struct compose_project *p =
		compose_read("compose.yaml", text, strlen(text), vars, arena, &e);
	const struct compose_service *s;

	(void)state;
	if (!p)
		fail_msg("%s", e.text);
	s = &p->services[0];
	assert_null(p->name);
	assert_null(s->command);
	assert_null(s->entrypoint);
	assert_null(s->user);
	assert_int_equal(s->restart, COMPOSE_RESTART_NO);
	assert_int_equal(s->network.mode, COMPOSE_NETWORK_NONE);
	assert_true(s->stop_grace_ms == 10000);
	assert_true(s->mem_limit_bytes == 0 && s->pids_limit == 0);
	assert_string_equal(s->environment[0], "B=2");
	assert_null(s->environment[1]);
	assert_false(s->has_cuvette);
	arena_destroy(arena);
}

/* S(x): x as the keys of service lab, from line 4 on. */
#define S(keys) "services:\n  lab:\n    {image: lab, network_mode: host,\n     " keys "}\n"
#define AT "compose.yaml:4: service lab: "

static const struct {
	const char *text, *error;
} mistakes[] = {
	{ S("memlimit: 1g"),
	  "compose.yaml:4: unknown key \"memlimit\" in service lab; did you mean \"mem_limit\"?" },
	{ S("scale: 0"), AT "scale: must be a number of containers from 1 to 63" },
	{ S("scale: 64"), AT "scale: must be a number of containers from 1 to 63" },
	{ S("scale: 1, deploy: {replicas: 2}"), AT "replicas: scale and deploy.replicas are the" },
	{ S("deploy: {replica: 2}"), "compose.yaml:4: unknown key \"replica\" in service lab; did "
				     "you mean \"replicas\"?" },
	{ S("deploy: {mode: global}"), AT "mode: \"global\": there is one machine" },
	{ S("deploy: {endpoint_mode: x}"), AT "endpoint_mode: \"x\" is not known" },
	{ S("deploy: {update_config: {order: start}}"), AT "order: \"start\" is not known" },
	{ S("deploy: {update_config: {parallelism: all}}"), AT "parallelism: must be a number" },
	{ S("deploy: {update_config: {order: start-first, parallelism: 2}}"),
	  "compose.yaml:2: service lab: with order: start-first its containers are replaced one" },
	{ S("scale: 2, container_name: me"),
	  "compose.yaml:2: service lab: several containers cannot have one container_name" },
	{ S("deploy: {update_config: {failure_action: rollback}}"),
	  AT "failure_action: \"rollback\" is not supported yet" },
	{ S("deploy: {update_config: {delay: soon}}"), AT "delay: \"soon\" is no time up to a" },
	{ S("deploy: {update_config: {delay: 25h}}"), AT "delay: \"25h\" is no time up to a day" },
	{ S("deploy: {update_config: {monitor: 2d}}"),
	  AT "monitor: \"2d\" is no time up to a day" },
	{ S("deploy: {update_config: {max_failure_ratio: 0.5}}"),
	  "compose.yaml:4: key \"max_failure_ratio\" in service lab is not supported" },
	{ S("deploy: {rollback_config: {delay: 5s}}"),
	  "compose.yaml:4: key \"rollback_config\" in service lab is not supported" },
	{ S("labels: {cuvette.balance: random}"), AT "cuvette.balance: \"random\" is not known" },
	{ S("scale: 2, x-cuvette: {ready: 'http://127.0.0.1/'}"),
	  "compose.yaml:2: service lab: the service with x-cuvette, whose URL is printed" },
	{ "services: {a: {image: a, scale: 2, networks: {n: {ipv4_address: 10.0.0.2}}}}\n"
	  "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}",
	  "compose.yaml:1: service a: several containers cannot have one address" },
	{ "services: {a: {image: a, scale: 2}, a-12: {image: a}}",
	  "compose.yaml:1: service a-12: the containers of service a have such names" },
	{ "services: {a: {image: a, scale: 1}, b: {image: a, network_mode: 'service:a'}}",
	  "compose.yaml:1: service b: network_mode: service a has replicas" },
	{ S("healthcheck: {}"), AT "healthcheck: needs the key test" },
	{ S("healthcheck: {tset: x}"), "compose.yaml:4: unknown key \"tset\" in service lab; did "
				       "you mean \"test\"?" },
	{ S("healthcheck: {test: [wget]}"), AT "test: begins with CMD and a command" },
	{ S("healthcheck: {test: [CMD]}"), AT "test: begins with CMD and a command" },
	{ S("healthcheck: {test: [CMD-SHELL, a, b]}"), AT "test: begins with CMD and a command" },
	{ S("healthcheck: {test: x, interval: 0s}"), AT "interval: must be from 100ms to 24h" },
	{ S("healthcheck: {test: x, timeout: 5}"), AT "timeout: \"5\" is not a time" },
	{ S("healthcheck: {test: x, retries: 0}"), AT "retries: must be a number from 1" },
	{ S("healthcheck: {test: x, disable: 5}"), AT "disable: must be true or false" },
	{ S("depends_on: [x]"), AT "depends_on: there is no service \"x\"" },
	{ S("depends_on: {lab: {condition: up}}"), AT "condition: \"up\" is not known" },
	{ S("depends_on: {lab: {restart: true}}"), AT "restart: is not supported" },
	{ S("depends_on: [lab]"), "compose.yaml:2: service lab: depends_on: it waits for itself" },
	{ "services: {a: {image: a, depends_on: [b]}, b: {image: a, depends_on: {a: }}}",
	  "compose.yaml:1: service b: depends_on: it waits for itself in the end" },
	{ "services: {a: {image: a, depends_on: {b: {condition: service_healthy}}}, b: {image: a}}",
	  "compose.yaml:1: service a: depends_on: service b has no healthcheck" },
	{ S("zzzzzzzzzz: 1"), "compose.yaml:4: unknown key \"zzzzzzzzzz\" in service lab" },
	{ S("build: ."), "compose.yaml:4: key \"build\" in service lab is not supported" },
	{ "service: {}", "compose.yaml:1: unknown key \"service\"; did you mean \"services\"?" },
	{ "", "compose.yaml: is empty" },
	{ "services: {}", "compose.yaml: there is no service in it" },
	{ "services: [a]", "compose.yaml:1: services: must be a map, not a list" },
	{ "services: {a: 5}", "compose.yaml:1: service a must be a map, not a whole number" },
	{ "services: {a: {network_mode: host}}", "compose.yaml:1: service a has no image" },
	{ "services: {'a/b': {}}", "compose.yaml:1: \"a/b\" is not a service name" },
	{ S("network_mode: bridge"), "compose.yaml:4: key \"network_mode\" is there twice" },
	{ S("command: 5"), AT "command: must be a string: write \"5\" with quotes" },
	{ S("command: [a, 1.5]"), AT "command: must be a string: write \"1.5\" with quotes" },
	{ S("command: \"a 'b\""), AT "command: an open ' quote" },
	{ S("hostname: a_b"), AT "hostname: \"a_b\" is not a host name" },
	{ S("working_dir: home"), AT "working_dir: \"home\" is not an absolute path" },
	{ S("environment: {A: [1]}"), AT "A: must be one value, not a list" },
	{ S("environment: ['=x']"), AT "environment: \"\" is not a variable's name" },
	{ S("environment: {A: '${NOPE}'}"), AT "A: variable NOPE is not set" },
	{ S("mem_limit: 1x"), AT "mem_limit: \"1x\" is not a size" },
	{ S("mem_limit: 1m"), AT "mem_limit: must be at least 6m" },
	{ S("mem_limit: 99999999999g"), AT "mem_limit: " },
	{ S("mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}"),
	  AT "memory: the same limit is given twice" },
	{ S("mem_limit: 1g, memswap_limit: 512m"),
	  "compose.yaml:2: service lab: memswap_limit counts" },
	{ S("mem_limit: 1g, mem_reservation: 2g"),
	  "compose.yaml:2: service lab: mem_reservation is above" },
	{ S("cpus: 0"), AT "cpus: \"0\" is not a number of CPUs" },
	{ S("cpu_shares: 1"), AT "cpu_shares: must be a number from 2" },
	{ S("cpuset: 0-"), AT "cpuset: \"0-\" is not a list of CPUs" },
	{ S("pids_limit: 0"), AT "pids_limit: must be a number of processes" },
	{ S("shm_size: 0"), AT "shm_size: must be more than 0" },
	{ S("ulimits: {files: 5}"), AT "files: is no resource limit" },
	{ S("ulimits: {nofile: {soft: 2, hard: 1}}"),
	  AT "nofile: the soft limit is above the hard one" },
	{ S("ulimits: {nofile: {soft: 2}}"),
	  AT "nofile: must be a number, or a map with soft and hard" },
	{ S("cap_add: [WORLD]"), AT "cap_add: \"WORLD\" is not a capability" },
	{ S("cap_add: CHOWN"), AT "cap_add: must be a list" },
	{ S("group_add: [audio]"), AT "group_add: \"audio\": names are not looked up yet" },
	{ S("group_add: 5"), AT "group_add: must be a list" },
	{ S("read_only: maybe"), AT "read_only: must be true or false" },
	{ S("tmpfs: run"), AT "tmpfs: \"run\" is not an absolute path" },
	{ S("init: true"), AT "init: is not supported by Cuvette yet" },
	{ S("security_opt: ['seccomp:unconfined']"),
	  AT "security_opt: \"seccomp:unconfined\" is not supported yet" },
	{ S("stop_signal: SIGFOO"), AT "stop_signal: \"SIGFOO\" is not a signal" },
	{ S("stop_grace_period: 10"), AT "stop_grace_period: \"10\" is not a time" },
	{ S("restart: sometimes"), AT "restart: \"sometimes\" is not known" },
	{ S("restart: 'on-failure:x'"), AT "restart: \"on-failure:x\" needs a number" },
	{ S("logging: {options: {max-size: 1k}}"), AT "max-size: must be at least 4k" },
	{ S("x-cuvette: {url: /lab}"), AT "x-cuvette: needs the key ready" },
	{ S("x-cuvette: {ready: a, url: lab}"), AT "url: must be a path" },
	{ S("x-cuvette: {redy: a}"),
	  "compose.yaml:4: unknown key \"redy\" in service lab; did you mean \"ready\"?" },
	{ S("volumes: ['/host:/x']"), AT "volumes: /host is a path: there are no folders to bind" },
	{ S("volumes: ['./work:/x']"), AT "volumes: ./work is a path" },
	{ S("volumes: ['/x']"), AT "volumes: volumes without a name are not supported yet" },
	{ S("volumes: ['a:x']"), AT "volumes: \"x\" is not an absolute path" },
	{ S("volumes: ['a:/x/../y']"), AT "volumes: \"/x/../y\" is not an absolute path" },
	{ S("volumes: ['a:/x:z']"), AT "volumes: \"z\" is not known: write ro or rw" },
	{ S("volumes: ['a:/x', 'b:/x']"), AT "volumes: two volumes at /x" },
	{ S("volumes: ['a:/x']"), "compose.yaml:2: service lab: volume \"a\" is not declared" },
	{ S("volumes: [{type: bind, source: /a, target: /b}]"),
	  AT "type: \"bind\" is not supported yet" },
	{ S("volumes: [{source: a, target: /b}]"),
	  AT "volumes: a volume in the long form needs a type" },
	{ S("volumes: [{type: volume, target: /b}]"),
	  AT "volumes: a volume needs a source and a target" },
	{ S("") "volumes: {v: {driver: nfs}}",
	  "compose.yaml:5: volume v: driver: \"nfs\" is not known" },
	{ S("") "volumes: {v: {external: true}}",
	  "compose.yaml:5: key \"external\" in volume v is not supported" },
	{ S("") "volumes: {v: {dirver: local}}",
	  "compose.yaml:5: unknown key \"dirver\" in volume v; did you mean \"driver\"?" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e = { .text = "" };
		const char *text = mistakes[i].text;

		if (compose_read("compose.yaml", text, strlen(text), vars, arena, &e))
			fail_msg("taken: %s", text);
		if (strncmp(e.text, mistakes[i].error, strlen(mistakes[i].error)) != 0)
			fail_msg("%s\nwanted \"%s\"\ngot    \"%s\"", text, mistakes[i].error,
				 e.text);
		arena_destroy(arena);
	}
}

/* SECURITY.md E3: what a variable holds never adds a key. */
static void variables_add_no_keys(void **state)
{
	static const struct compose_var hostile[] = {
		{ "V", "x\n    privileged: true\n    cap_add: [ALL]\n" }, { NULL, NULL }
	};
	static const char text[] =
		"services:\n  a:\n    image: i\n    network_mode: none\n    hostname: h\n"
		"    environment:\n      A: ${V}\n";
	struct arena *arena = arena_create(1 << 20);
	struct err e = { .text = "" };
	struct compose_project *p =
		compose_read("compose.yaml", text, strlen(text), hostile, arena, &e);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->service_count, 1);
	assert_true(p->services[0].cap_add == 0);
	assert_string_equal(p->services[0].environment[0],
			    "A=x\n    privileged: true\n    cap_add: [ALL]\n");
	assert_null(p->services[0].environment[1]);
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(what_is_not_given),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(variables_add_no_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
