/* test_documents.c - the documents that the runtime writes: a container's state, what a seccomp
 * agent gets, and the features. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/features.h"
#include "oci/spec.h"
#include "oci/state.h"

static const struct oci_pair annotations[] = { { "a", "\"1\"" } };

static void state_documents(void **unused)
{
	struct oci_state s = {
		.id = "web", .status = "created", .pid = 42, .bundle = "/b",
		.annotations = annotations, .annotation_count = 1,
	};
	struct buf out;

	(void)unused;
	buf_init(&out, 4096);
	assert_true(oci_state_write(&s, &out));
	assert_string_equal(out.data,
			    "{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"status\":\"created\","
			    "\"pid\":42,\"bundle\":\"/b\",\"annotations\":{\"a\":\"\\\"1\\\"\"}}");
	buf_clear(&out);
	s.status = "stopped";
	s.pid = 0;
	s.annotation_count = 0;
	s.rootfs = "/b/rootfs";
	s.created = "2026-01-01T00:00:00Z";
	s.owner = "";
	assert_true(oci_state_write(&s, &out));
	assert_string_equal(out.data,
			    "{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"status\":\"stopped\","
			    "\"pid\":0,\"bundle\":\"/b\",\"rootfs\":\"/b/rootfs\",\"created\":"
			    "\"2026-01-01T00:00:00Z\",\"owner\":\"\",\"annotations\":{}}");
	buf_clear(&out);
	s.rootfs = s.created = s.owner = NULL;
	assert_true(oci_state_write_seccomp(&s, s.pid, "m", &out));
	assert_string_equal(out.data,
			    "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":0,"
			    "\"metadata\":\"m\",\"state\":{\"ociVersion\":\"1.3.0\",\"id\":\"web\","
			    "\"status\":\"stopped\",\"pid\":0,\"bundle\":\"/b\","
			    "\"annotations\":{}}}");
	buf_finish(&out);
	buf_init(&out, 64);
	assert_false(oci_state_write(&s, &out));
	buf_finish(&out);
}

/* "linux.seccomp.actions" as a place in the document. */
static struct json place(const struct json *root, const char *path)
{
	struct json at = *root;
	char copy[128], *rest = copy;

	strcpy(copy, path);
	for (char *key; (key = strsep(&rest, "."));)
		at = json_member(&at, key);
	return at;
}

static void features_document(void **unused)
{
	static const char *const options[] = { "bind", "rro", NULL };
	static const char *const unsafe[] = { "org.example.", NULL };
	static const struct {
		const char *path;
		size_t count;
	} lists[] = {
		{ "hooks", 6 }, { "mountOptions", 2 }, { "linux.namespaces", 8 },
		{ "linux.capabilities", 41 }, { "linux.seccomp.actions", 9 },
		{ "linux.seccomp.operators", 7 }, { "linux.seccomp.archs", 1 },
		{ "linux.seccomp.knownFlags", 4 }, { "linux.seccomp.supportedFlags", 4 },
		{ "linux.memoryPolicy.modes", 7 }, { "linux.memoryPolicy.flags", 3 },
		{ "annotations", 1 }, { "potentiallyUnsafeConfigAnnotations", 1 },
	};
	static const struct {
		const char *object, *key;
		bool value;
	} facts[] = {
		{ "linux.cgroup", "v1", false }, { "linux.cgroup", "v2", true },
		{ "linux.cgroup", "systemd", true }, { "linux.cgroup", "systemdUser", true },
		{ "linux.cgroup", "rdma", true }, { "linux.seccomp", "enabled", true },
		{ "linux.apparmor", "enabled", true }, { "linux.selinux", "enabled", false },
		{ "linux.intelRdt", "enabled", false }, { "linux.intelRdt", "schemata", false },
		{ "linux.intelRdt", "monitoring", false }, { "linux.netDevices", "enabled", true },
		{ "linux.mountExtensions.idmap", "enabled", true },
	};
	const struct features f = {
		.mount_options = options, .systemd = true, .rdma = true, .net_devices = true,
		.annotations = annotations, .annotation_count = 1, .unsafe_annotations = unsafe,
	};
	struct buf out;
	struct err e;

	(void)unused;
	buf_init(&out, 1 << 16);
	assert_true(features_write(&f, &out));
	struct json_doc *doc = json_parse("features", out.data, out.size_bytes, &e);

	assert_non_null(doc);
	struct json root = json_root(doc), at;
	const char *text;

	assert_int_equal(json_get_str(&root, "ociVersionMin", &text, &e), 0);
	assert_string_equal(text, "1.0.0");
	assert_int_equal(json_get_str(&root, "ociVersionMax", &text, &e), 0);
	assert_string_equal(text, "1.3.0");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		at = place(&root, lists[i].path);
		if (json_count(&at) != lists[i].count)
			fail_msg("%s has %zu items", lists[i].path, json_count(&at));
	}
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		bool value = !facts[i].value;

		at = place(&root, facts[i].object);
		if (json_opt_bool(&at, facts[i].key, &value, &e) || value != facts[i].value)
			fail_msg("%s.%s is not %d", facts[i].object, facts[i].key, facts[i].value);
	}
	json_destroy(doc);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_documents),
		cmocka_unit_test(features_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
