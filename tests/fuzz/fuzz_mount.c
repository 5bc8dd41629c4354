/* fuzz_mount.c - any lines as target, type, source and options of a mount, once for each door:
 * refused with a sentence, or a plan whose targets stay inside and that is never looser than the
 * service allows. The options go through `idmap=` too. */
#include <linux/mount.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "box/idmap.h"
#include "box/mount_plan.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

enum { TEXT_MAX = 4096, WORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_step(const struct mount_step *step, bool service)
{
	if (step->target[0] != '/' || strstr(step->target, "/../") || strstr(step->target, "//"))
		abort();
	if (service && step->op == MOUNT_BIND)
		abort();
	if (service && step->op <= MOUNT_CGROUP && !(step->options.set & MOUNT_ATTR_NODEV) &&
	    !(step->op == MOUNT_NEW && str_equal(step->fstype, "devpts")))
		abort();
	if (str_starts(step->target, "/proc/") && step->op <= MOUNT_CGROUP &&
	    !(step->op == MOUNT_BIND && step->over_proc))
		abort();
	if (step->options.set & step->options.clear & ~(uint64_t)MOUNT_ATTR__ATIME)
		abort();
}

static void plan(struct arena *a, const struct oci_spec *spec, bool service)
{
	struct mount_plan_input in = {
		.spec = spec, .cpu_count = 1, .always_nodev = service, .service = service,
	};
	struct err e = { 0 };
	struct mount_plan made;
	struct buf out;

	if (mount_plan_make(&made, a, &in, &e)) {
		if (!e.text[0])
			abort();
		return;
	}
	for (size_t i = 0; i < made.count; i++)
		check_step(&made.steps[i], service);
	buf_init(&out, 1 << 16);
	mount_plan_print(&made, &out);
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oci_id_map line = { 0, 100000, 65536 };
	const struct oci_id_maps own = { &line, 1 };
	const struct idmap_pair within = { &own, &own };
	char text[TEXT_MAX + 1], *words[WORDS_MAX + 1] = { NULL }, *rest = text;
	struct arena *a = arena_create(1 << 20);
	struct oci_mount mount = { 0 };
	struct oci_spec spec = { .mounts = &mount, .mount_count = 1 };
	struct idmap_pair maps;
	struct err e;
	size_t count = 0;

	if (size <= TEXT_MAX) {
		memcpy(text, data, size);
		text[size] = '\0';
		while (rest && count < WORDS_MAX)
			words[count++] = strsep(&rest, "\n");
		mount.destination = words[0][0] == '/' ? words[0] : "/x";
		mount.type = count > 1 && words[1][0] ? words[1] : NULL;
		mount.source = count > 2 && words[2][0] ? words[2] : NULL;
		mount.options = count > 3 ? (const char **)words + 3 : NULL;
		spec.namespaces = 1u << OCI_NS_CGROUP | (size % 2 ? 1u << OCI_NS_USER : 0);
		if (size % 2)
			spec.uid_maps = spec.gid_maps = own;
		plan(a, &spec, false);
		plan(a, &spec, true);
		for (size_t i = 3; i < count; i++)
			idmap_parse(&maps, a, words[i], &within, &e);
	}
	arena_destroy(a);
	return 0;
}
