/* mount_plan.c - see mount_plan.h */
#include "box/mount_plan.h"

#include <linux/mount.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

/* Words of the specification's table that are attributes of the mount; set and clear bits. */
static const struct option {
	const char *word;
	uint64_t set, clear;
} option_words[] = {
	{ "atime", 0, MOUNT_ATTR__ATIME },
	{ "dev", 0, 0 }, /* nodev stays, see mount_plan.h */
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "relatime", 0, MOUNT_ATTR__ATIME },
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
};

static const struct {
	uint64_t bit;
	const char *word;
} attr_words[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },	   { MOUNT_ATTR_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, "nodev" },	   { MOUNT_ATTR_NOEXEC, "noexec" },
	{ MOUNT_ATTR_NOATIME, "noatime" }, { MOUNT_ATTR_STRICTATIME, "strictatime" },
	{ MOUNT_ATTR_NODIRATIME, "nodiratime" }, { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
};

static const char *const op_names[] = {
	[MOUNT_NEW] = "new", [MOUNT_APPLIANCE_SYS] = "appliance-sys", [MOUNT_VOLUME] = "volume",
	[MOUNT_DEVICES] = "devices", [MOUNT_MASK] = "mask", [MOUNT_READ_ONLY] = "read-only",
	[MOUNT_ROOT_READ_ONLY] = "root-read-only",
};
_Static_assert(sizeof(op_names) / sizeof(op_names[0]) == MOUNT_OPS, "one name per operation");

/* File systems that a user namespace may make; "cgroup" is what Docker's specifications say
 * for v2. */
static const char *const fs_types[] = { "cgroup", "cgroup2", "devpts", "mqueue",
					"proc",	  "sysfs",   "tmpfs",  NULL };

static bool is_known_fs(const char *type)
{
	for (size_t i = 0; type && fs_types[i]; i++)
		if (str_equal(fs_types[i], type))
			return true;
	return false;
}

static int add_option(struct mount_step *step, const char *word, size_t index, size_t *data_count,
		      struct err *e)
{
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++)
		if (str_equal(option_words[i].word, word)) {
			step->attrs = (step->attrs & ~option_words[i].clear) | option_words[i].set;
			return 0;
		}
	if (*data_count == MOUNT_DATA_MAX)
		return err_set(e, ".mounts[%zu].options: more than %d", index, MOUNT_DATA_MAX);
	step->data[(*data_count)++] = word;
	return 0;
}

static int plan_mount(struct mount_step *step, const struct oci_spec *spec, size_t index,
		      struct err *e)
{
	const struct oci_mount *m = &spec->mounts[index];
	size_t data_count = 0;

	if (!is_known_fs(m->type))
		return err_set(
			e, ".mounts[%zu].type: \"%s\" is not supported; folders come in as volumes",
			index, m->type ? m->type : "bind");
	step->op = MOUNT_NEW;
	step->target = m->destination;
	step->fstype = str_equal(m->type, "cgroup") ? "cgroup2" : m->type;
	step->source = m->source;
	/* The nodes of devpts are the kernel's, nobody can make others there, and programs open
	 * them: nodev would take every terminal away. */
	step->attrs = str_equal(m->type, "devpts") ? 0 : MOUNT_ATTR_NODEV;
	for (size_t i = 0; m->options && m->options[i]; i++)
		if (add_option(step, m->options[i], index, &data_count, e))
			return -1;
	/* sysfs belongs to a network namespace: one that is not the container's cannot be mounted
	 * by it. */
	if (str_equal(m->type, "sysfs") && !(spec->namespaces & 1u << OCI_NS_NETWORK)) {
		step->op = MOUNT_APPLIANCE_SYS;
		step->attrs |= MOUNT_ATTR_RDONLY;
	}
	return 0;
}

static size_t count_list(const char **list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static struct mount_step *add(struct mount_plan *plan, enum mount_op op, const char *target)
{
	struct mount_step *step = &plan->steps[plan->count++];

	step->op = op;
	step->target = target;
	return step;
}

static void plan_hidden(struct mount_plan *plan, struct arena *a, const struct oci_spec *spec,
			unsigned cpu_count)
{
	size_t masked = count_list(spec->masked_paths),
	       read_only = count_list(spec->readonly_paths);

	for (size_t i = 0; i < masked; i++)
		add(plan, MOUNT_MASK, spec->masked_paths[i]);
	/* Docker lists this one per CPU that the machine has: throttling tells of other tenants'
	 * load. */
	for (unsigned i = 0; masked && i < cpu_count; i++)
		add(plan, MOUNT_MASK,
		    arena_format(a, "/sys/devices/system/cpu/cpu%u/thermal_throttle", i));
	for (size_t i = 0; i < read_only; i++)
		add(plan, MOUNT_READ_ONLY, spec->readonly_paths[i]);
}

int mount_plan_make(struct mount_plan *plan, struct arena *a, const struct oci_spec *spec,
		    const struct box_volume *volumes, size_t volume_count, unsigned cpu_count,
		    struct err *e)
{
	/* Every mount may be /dev, which brings a step for its nodes. */
	size_t most = 2 * spec->mount_count + 1 + volume_count + cpu_count +
		      count_list(spec->masked_paths) + count_list(spec->readonly_paths);

	plan->steps = arena_array(a, most, sizeof(*plan->steps));
	plan->count = 0;
	for (size_t i = 0; i < spec->mount_count; i++) {
		struct mount_step *step = &plan->steps[plan->count++];

		if (plan_mount(step, spec, i, e))
			return -1;
		if (str_equal(step->target, "/dev"))
			add(plan, MOUNT_DEVICES, "/dev");
	}
	for (size_t i = 0; i < volume_count; i++) {
		struct mount_step *step = add(plan, MOUNT_VOLUME, volumes[i].target);

		if (volumes[i].target[0] != '/' || volumes[i].target[1] == '\0')
			return err_set(e, "volume %s: the target must be an absolute path below /",
				       volumes[i].name);
		step->volume = i;
		step->source = volumes[i].name;
		step->attrs = MOUNT_ATTR_NODEV | (volumes[i].read_only ? MOUNT_ATTR_RDONLY : 0);
	}
	plan_hidden(plan, a, spec, cpu_count);
	if (spec->root_readonly)
		add(plan, MOUNT_ROOT_READ_ONLY, "/");
	return 0;
}

static void print_attrs(uint64_t attrs, struct buf *out)
{
	const char *between = " ";

	for (size_t i = 0; i < sizeof(attr_words) / sizeof(attr_words[0]); i++) {
		if (!(attrs & attr_words[i].bit))
			continue;
		buf_add_format(out, "%s%s", between, attr_words[i].word);
		between = ",";
	}
}

void mount_plan_print(const struct mount_plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_step *step = &plan->steps[i];

		buf_add_format(out, "%s %s", op_names[step->op], step->target);
		if (step->op == MOUNT_NEW)
			buf_add_format(out, " %s", step->fstype);
		if (step->op == MOUNT_VOLUME)
			buf_add_format(out, " %s", step->source);
		print_attrs(step->attrs, out);
		for (size_t k = 0; step->data[k]; k++)
			buf_add_format(out, " %s", step->data[k]);
		buf_add_str(out, "\n");
	}
}
