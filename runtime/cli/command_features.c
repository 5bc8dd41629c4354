/* command_features.c - box features: what box can do (runtime-spec 1.3, features.md), for callers
 * who ask before they write a config.json. Where that depends on the kernel, the running one is
 * asked. */
#include "box/cgroup.h"
#include "box/cgroup_values.h"
#include "box/mount_options.h"
#include "box/systemd_scope.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/indent.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "oci/features.h"
#include "oci/spec.h"

enum { CONTROLLERS_BYTES_MAX = 4096 };

static const char *const *mount_words(struct arena *a)
{
	const char **words;
	size_t count = 0;

	while (mount_options_word(count))
		count++;
	words = arena_array(a, count + 1, sizeof(*words));
	for (size_t i = 0; i < count; i++)
		words[i] = mount_options_word(i);
	return words;
}

/* Controllers of the machine's cgroup v2; 0 = it has none. */
static unsigned controllers(void)
{
	AUTO_FREE char *text = NULL;
	AUTO_FD int fd = -1;
	size_t size_bytes;
	struct err e;

	fd = cgroup_open_mount(&e);
	if (fd >= 0)
		text = fs_read_at(fd, "cgroup.controllers", CONTROLLERS_BYTES_MAX, &size_bytes, &e);
	return text ? cgroup_controllers_parse(text) : 0;
}

static int run(const struct command_call *call, struct err *e)
{
	static const char *const unsafe[] = { OCI_SECCOMP_ANNOTATION, SYSTEMD_PROPERTY_ANNOTATION,
					      SYSTEMD_SUBGROUP_ANNOTATION, NULL };
	static const struct oci_pair annotations[] = {
		{ "org.cuvette.box.commands", "create delete events exec features kill list pause "
					      "plan ps resume run spec start state "
					      "update" },
	};
	const struct features f = {
		.mount_options = mount_words(call->arena),
		.systemd = true,
		.rdma = controllers() & 1u << CGROUP_RDMA,
		.net_devices = true,
		.annotations = annotations,
		.annotation_count = ARRAY_SIZE(annotations),
		.unsafe_annotations = unsafe,
	};
	struct buf json, out;
	int failed;

	buf_init(&json, COMMAND_ANSWER_MAX);
	buf_init(&out, COMMAND_ANSWER_MAX);
	if (!features_write(&f, &json)) {
		failed = err_set(e, "box features: the answer does not fit");
	} else {
		indent_json(json.data, &out);
		failed = command_answer(&out, e);
	}
	buf_finish(&json);
	buf_finish(&out);
	return failed;
}

const struct command command_features = {
	.name = "features",
	.arguments = "",
	.summary = "shows what box can do, as JSON",
	.run = run,
};
