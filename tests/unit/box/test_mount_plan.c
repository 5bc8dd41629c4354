/* test_mount_plan.c - documents to plans, as text; what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mount.h>

#include "box/idmap.h"
#include "box/mount_plan.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct arena *arena;
static struct err e;
static struct mount_plan plan;

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

/* namespaces: words for new ones, "user" with the usual map; WORD=PATH is joined. linux: more
 * members of that object, root: of that one. */
struct document {
	const char *namespaces, *mounts, *linux_members, *root_members, *process_members;
};

static void write_namespaces(const char *words, struct buf *out)
{
	char copy[256];
	bool user = false;
	const char *between = "";

	snprintf(copy, sizeof(copy), "%s", words);
	buf_add_str(out, "\"namespaces\":[");
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		char *path = strchr(word, '=');

		if (path)
			*path++ = '\0';
		buf_add_format(out, "%s{\"type\":\"%s\"", between, word);
		if (path)
			buf_add_format(out, ",\"path\":\"%s\"", path);
		buf_add_str(out, "}");
		user = user || (str_equal(word, "user") && !path);
		between = ",";
	}
	buf_add_str(out, "]");
	if (user)
		buf_add_str(out,
			    ",\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":3}],"
			    "\"gidMappings\":[{\"containerID\":0,\"hostID\":200000,\"size\":3}]");
}

static int make(const struct document *d, bool service)
{
	struct mount_plan_input in = {
		.always_nodev = service, .service = service, .cpu_count = 2,
	};
	struct buf text;
	int result;

	buf_init(&text, 1 << 16);
	buf_add_format(
		&text,
		"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"%s},"
		"\"process\":{\"args\":[\"x\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}%s},"
		"\"mounts\":[%s],\"linux\":{",
		d->root_members ? d->root_members : "",
		d->process_members ? d->process_members : "", d->mounts);
	write_namespaces(d->namespaces ? d->namespaces : "mount pid cgroup network", &text);
	buf_add_format(&text, "%s}}", d->linux_members ? d->linux_members : "");
	in.spec = oci_spec_parse_bundle(arena, "x", text.data, text.size_bytes, &e);
	if (!in.spec)
		fail_msg("%s\n%s", e.text, text.data);
	result = mount_plan_make(&plan, arena, &in, &e);
	buf_finish(&text);
	return result;
}

/* Without the step that every plan has where nothing is at /dev. */
static void check(const struct document *d, bool service, const char *want)
{
	static const char devices[] = "devices /dev\n";
	struct buf out;
	char *at;

	if (make(d, service))
		fail_msg("%s\n  said %s", d->mounts, e.text);
	buf_init(&out, 1 << 16);
	mount_plan_print(&plan, &out);
	at = strstr(out.data, devices);
	if (at && !strstr(want, devices))
		memmove(at, at + strlen(devices), strlen(at + strlen(devices)) + 1);
	if (strcmp(out.data, want) != 0)
		fail_msg("%s\n  gives %s\n  want  %s", d->mounts, out.data, want);
	buf_finish(&out);
}

#define M(destination, type, source, options) \
	"{\"destination\":\"" destination "\",\"type\":\"" type "\",\"source\":\"" source \
	"\",\"options\":[" options "]}"

static void mounts(void **state)
{
	static const struct {
		struct document d;
		const char *plan;
	} cases[] = {
		{ { .mounts = M("/proc", "proc", "proc", "\"nosuid\"") },
		  "new /proc proc nosuid\n" },
		{ { .mounts = M("//a/./b/", "tmpfs", "t", "\"size=1k\",\"ro\",\"nodev\"") },
		  "new /a/b tmpfs nodev size=1k\nset /a/b ro\n" },
		{ { .mounts = M("/x", "ext4", "/dev/sda1", "\"ro\"") }, "new /x ext4 ro\n" },
		{ { .mounts = M("/x", "tmpfs", "t", "\"rro\",\"rnosuid\",\"rw\",\"dev\"") },
		  "new /x tmpfs nosuid\nset /x ro\n" },
		/* What is a bind mount: the type, a word, or a source without a type. */
		{ { .mounts = M("/x", "bind", "/y", "\"rbind\",\"rprivate\",\"ro\"") },
		  "bind /x /y ro,rprivate,rbind\n" },
		{ { .mounts = M("/x", "none", "y", "\"rw\"") }, "bind /x y -ro\n" },
		{ { .mounts = M("/x", "tmpfs", "/y", "\"bind\"") }, "bind /x /y bind\n" },
		{ { .mounts = "{\"destination\":\"/x\",\"source\":\"/y\"}" }, "bind /x /y\n" },
		{ { .mounts = M("/dev", "bind", "/dev", "\"rbind\"") }, "bind /dev /dev rbind\n" },
		{ { .mounts = M("/proc/meminfo", "bind", "/m", "") }, "bind /proc/meminfo /m\n" },
		/* The cgroup: a namespace of its own, or its own folder. */
		{ { .mounts = M("/c", "cgroup", "cgroup", "\"ro\"") }, "new /c cgroup2 ro\n" },
		{ { .mounts = M("/c", "cgroup2", "c", ""), .namespaces = "mount cgroup=/ns" },
		  "new /c cgroup2\n" },
		{ { .mounts = M("/c", "cgroup", "c", "\"ro\""), .namespaces = "mount" },
		  "cgroup /c ro\n" },
		/* sysfs of a network that is not the container's. */
		{ { .mounts = M("/sys", "sysfs", "s", ""), .namespaces = "mount" },
		  "new /sys sysfs\n" },
		{ { .mounts = M("/sys", "sysfs", "s", ""), .namespaces = "mount user" },
		  "sys /sys ro\n" },
		{ { .mounts = M("/sys", "sysfs", "s", ""), .namespaces = "mount user network" },
		  "new /sys sysfs\n" },
		/* gid 5 exists nowhere in a map of three. */
		{ { .mounts = M("/p", "devpts", "d", "\"gid=5\",\"mode=620\""),
		    .namespaces = "mount user" },
		  "new /p devpts mode=620\n" },
		{ { .mounts = M("/p", "devpts", "d", "\"mode=620\",\"gid=2\""),
		    .namespaces = "mount user" },
		  "new /p devpts mode=620 gid=2\n" },
		{ { .mounts = M("/p", "devpts", "d", "\"gid=5\"") }, "new /p devpts gid=5\n" },
		/* Nodes come before what lies below /dev. */
		{ { .mounts = M("/dev", "tmpfs", "t", "\"ro\"") "," M("/dev/null", "bind", "/n",
								      "") },
		  "new /dev tmpfs\ndevices /dev\nbind /dev/null /n\nset /dev ro\n" },
		{ { .mounts = "",
		    .linux_members = ",\"devices\":[{\"path\":\"/dev/net/tun\","
				     "\"type\":\"c\",\"major\":10,\"minor\":200,"
				     "\"fileMode\":438,\"uid\":1,\"gid\":2}]" },
		  "devices /dev\nnode /dev/net/tun c 10:200 0666 1:2\n" },
		{ { .mounts = "", .process_members = ",\"terminal\":true" },
		  "console /dev/console\n" },
		{ { .mounts = "",
		    .root_members = ",\"readonly\":true",
		    .linux_members =
			    ",\"maskedPaths\":[\"/a\",\"/b\"],\"readonlyPaths\":[\"/c\"]" },
		  "mask /a\nmask /b\nread-only /c\nroot-read-only /\n" },
		/* Id maps. */
		{ { .mounts = M("/x", "bind", "/y", "\"ridmap\",\"rbind\""),
		    .namespaces = "mount user" },
		  "bind /x /y rbind,ridmap\n" },
		{ { .mounts = "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/y\","
			      "\"uidMappings\":[{\"containerID\":0,\"hostID\":9,\"size\":1}],"
			      "\"gidMappings\":[{\"containerID\":0,\"hostID\":9,\"size\":1}]}" },
		  "bind /x /y idmap\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check(&cases[i].d, false, cases[i].plan);
}

static void service(void **state)
{
	static const struct document d = {
		.mounts = M("/t", "tmpfs", "t", "\"dev\"") "," M("/sys", "sysfs", "s", ""),
		.namespaces = "mount user",
		.linux_members = ",\"maskedPaths\":[\"/a\"]",
	};
	static const struct document bind = { .mounts = M("/x", "bind", "/y", "") };
	static const struct document other = { .mounts = M("/x", "ext4", "/dev/sda", "") };

	(void)state;
	check(&d, true,
	      "new /t tmpfs nodev\nsys /sys ro,nodev\nmask /a\n"
	      "mask /sys/devices/system/cpu/cpu0/thermal_throttle\n"
	      "mask /sys/devices/system/cpu/cpu1/thermal_throttle\n");
	assert_null(plan.root_path);
	assert_true(plan.bind_nodes && plan.user_ns);
	assert_int_equal(make(&bind, true), -1);
	assert_string_equal(e.text, ".mounts[0].type: \"bind\" is not supported; folders come in "
				    "as volumes");
	assert_int_equal(make(&other, true), -1);
}

/* What the rest of the code relies on and no print shows. */
static void facts(void **state)
{
	static const struct document d = {
		.mounts = M("/proc", "proc", "p", "") ","
			  M("/dev", "tmpfs", "t", "") ","
			  M("/dev/pts", "devpts", "d", "") ","
			  M("/dev/a/b", "bind", "/x", "") ","
			  M("/dev/a/b/c", "tmpfs", "t", "") ","
			  M("/x", "tmpfs", "t", "") ","
			  M("/dev", "tmpfs", "t", "\"tmpcopyup\"") ","
			  M("/dev/shm", "tmpfs", "t", "") ","
			  M("/proc/stat", "bind", "/x", "") ","
			  M("/sys", "bind", "/sys", ""),
	};
	static const struct {
		const char *target;
		bool nofollow, fresh, over_proc;
	} want[] = {
		{ "/proc", true, false, false },     { "/dev", true, false, false },
		{ "/dev", true, true, false },	     { "/dev/pts", false, true, false },
		{ "/dev/a/b", false, false, false }, { "/dev/a/b/c", false, false, false },
		{ "/x", false, false, false },	     { "/dev", true, false, false },
		{ "/dev", true, false, false },	     { "/dev/shm", false, false, false },
		{ "/proc/stat", false, false, true }, { "/sys", true, false, false },
	};

	(void)state;
	if (make(&d, false))
		fail_msg("%s", e.text);
	assert_int_equal(plan.count, COUNT(want));
	assert_int_equal(plan.source_count, 3);
	assert_string_equal(plan.root_path, "rootfs");
	assert_int_equal(plan.root_propagation, MS_PRIVATE | MS_REC);
	assert_false(plan.bind_nodes);
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct mount_step *step = &plan.steps[i];

		if (!str_equal(step->target, want[i].target) ||
		    step->nofollow != want[i].nofollow || step->fresh != want[i].fresh ||
		    step->over_proc != want[i].over_proc)
			fail_msg("step %zu, %s", i, step->target);
	}
}

static void refused(void **state)
{
	static const struct {
		struct document d;
		const char *sentence;
	} cases[] = {
		{ { .mounts = M("/", "tmpfs", "t", "") },
		  ".mounts[0].destination: / is the root itself" },
		{ { .mounts = M("/.", "bind", "/x", "") }, "/ is the root itself" },
		{ { .mounts = "{\"destination\":\"/x\"}" },
		  ".mounts[0].type: is missing: name a file system, or give a source" },
		{ { .mounts = "{\"destination\":\"/x\",\"options\":[\"bind\"]}" },
		  ".mounts[0].source: a bind mount needs one" },
		{ { .mounts = "{\"destination\":\"/x\",\"type\":\"bind\"}" },
		  ".mounts[0].source: a bind mount needs one" },
		{ { .mounts = M("/x", "bind", "/y", "\"rbind\",\"size=1k\"") },
		  ".mounts[0].options: \"size=1k\" is no option of a bind mount" },
		{ { .mounts = M("/p", "proc", "p", "") "," M("/x", "bind", "/y", "\"RO\"") },
		  ".mounts[1].options: \"RO\" is no option of a bind mount" },
		{ { .mounts = M("/x", "bind", "/y", "\"tmpcopyup\"") },
		  "tmpcopyup is for tmpfs alone" },
		{ { .mounts = M("/x", "ramfs", "r", "\"tmpcopyup\"") },
		  "tmpcopyup is for tmpfs alone" },
		{ { .mounts = M("/proc", "tmpfs", "t", "") }, "where only proc can be" },
		{ { .mounts = M("/proc/sys", "bind", "/x", "") }, "/proc/sys lies in /proc" },
		{ { .mounts = M("/proc/self", "tmpfs", "t", "") }, "/proc/self lies in /proc" },
		{ { .mounts = M("/proc//./self/attr", "bind", "/x", "") }, "lies in /proc" },
		{ { .mounts = M("/proc/meminfo", "tmpfs", "t", "") }, "lies in /proc" },
		{ { .mounts = M("/x", "bind", "/y", "\"idmap\"") },
		  ".mounts[0].options: idmap needs uidMappings and gidMappings" },
		{ { .mounts = M("/x", "tmpfs", "t", "\"idmap\""), .namespaces = "mount user" },
		  "idmap is for bind mounts alone" },
		{ { .mounts = M("/x", "bind", "/y", "\"idmap=uids=0-1-1\"") },
		  "idmap=uids=0-1-1: uids and gids go together" },
		{ { .mounts = M("/x", "bind", "/y", "\"\"") },
		  ".mounts[0].options[0]: an empty word" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (make(&cases[i].d, false) == 0)
			fail_msg("accepted: %s", cases[i].d.mounts);
		if (!strstr(e.text, cases[i].sentence))
			fail_msg("%s\n  said %s\n  want %s", cases[i].d.mounts, e.text,
				 cases[i].sentence);
	}
}

static void idmap_texts(void **state)
{
	static struct oci_id_map lines[] = { { 0, 1000, 10 } };
	static const struct oci_id_maps own = { lines, 1 };
	const struct idmap_pair within = { &own, &own };
	static const char *const bad[] = {
		"", "uids=", "uids=0-1-1", "uids=0-1-1;gids=", "uids=0-1-1;gids=0-1", "x",
		"uids=0-1-1;gids=0-1-1-1", "uids=0-1-0;gids=0-1-1", "uids=0-1-1;uids=0-1-1",
		"uids=0-1-1#;gids=0-1-1", "uids=@0-10-1;gids=0-1-1", "gids=0-1-1;uids=-1-1-1",
		"uids=0-4294967296-1;gids=0-1-1", "uids=0-1-1;gids=0-1-1;other=1",
	};
	struct idmap_pair maps;

	(void)state;
	assert_int_equal(idmap_parse(&maps, arena, "uids=0-1-10#10-50-2;gids=@3-4-1", &within, &e),
			 0);
	assert_int_equal(maps.uids->count, 2);
	assert_int_equal(maps.uids->items[1].container_id, 10);
	assert_int_equal(maps.uids->items[1].host_id, 50);
	assert_int_equal(maps.uids->items[1].size, 2);
	assert_int_equal(maps.gids->items[0].container_id, 3);
	assert_int_equal(maps.gids->items[0].host_id, 1004);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (idmap_parse(&maps, arena, bad[i], &within, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mounts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(service, set_up, tear_down),
		cmocka_unit_test_setup_teardown(facts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idmap_texts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
