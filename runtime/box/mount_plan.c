/* mount_plan.c - see mount_plan.h */
#include "box/mount_plan.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "box/devices.h"
#include "box/idmap.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

static const char *const op_names[] = {
	[MOUNT_NEW] = "new", [MOUNT_BIND] = "bind", [MOUNT_VOLUME] = "volume", [MOUNT_SYS] = "sys",
	[MOUNT_CGROUP] = "cgroup", [MOUNT_DEVICES] = "devices", [MOUNT_NODE] = "node",
	[MOUNT_CONSOLE] = "console", [MOUNT_MASK] = "mask", [MOUNT_READ_ONLY] = "read-only",
	[MOUNT_SET] = "set", [MOUNT_ROOT_READ_ONLY] = "root-read-only",
};
_Static_assert(ARRAY_SIZE(op_names) == MOUNT_OPS, "one name per operation");

/* What the service lets engined ask for: file systems that a user namespace may make; "cgroup" is
 * what Docker's specifications say for v2. */
static const char *const service_types[] = { "cgroup", "cgroup2", "devpts", "mqueue",
					     "proc",   "sysfs",	  "tmpfs",  NULL };
/* What the kernel itself shows. An image with /proc -> /somewhere would get its own /proc where our
 * masks do not reach (CVE-2019-16884, -19921, CVE-2023-27561). */
static const char *const kernel_types[] = { "cgroup", "cgroup2", "proc", "sysfs", NULL };
static const char *const kernel_places[] = { "/dev", "/proc", "/sys", NULL };
/* Files that lxcfs and its like put their own in place of; nothing that decides on privileges. */
static const char *const replaceable[] = {
	"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/slabinfo",
	"/proc/stat", "/proc/swaps", "/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid", "/proc/uptime", NULL
};

struct planning {
	struct mount_plan *plan;
	struct arena *arena;
	const struct mount_plan_input *in;
	bool has_dev, dev_is_bind;
};

static bool is_among(const char *const *list, const char *word)
{
	for (size_t i = 0; word && list[i]; i++)
		if (str_equal(list[i], word))
			return true;
	return false;
}

static bool is_type(const char *type, const char *word)
{
	return type && str_equal(type, word);
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Without doubled slashes, "." and "..", as other runtimes take it: so that one place has one name.
 */
static const char *clean_path(struct arena *a, const char *path)
{
	char *clean = arena_alloc(a, strlen(path) + 2), *end = clean;

	for (;;) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 0)
			break;
		if (length == 2 && path[0] == '.' && path[1] == '.') {
			while (end > clean && *--end != '/')
				;
		} else if (length != 1 || path[0] != '.') {
			*end++ = '/';
			memcpy(end, path, length);
			end += length;
		}
		path += length;
	}
	if (end == clean)
		*end++ = '/';
	*end = '\0';
	return clean;
}

static bool has_ns(const struct oci_spec *spec, enum oci_namespace ns)
{
	return spec->namespaces & 1u << ns || spec->namespace_paths[ns];
}

static struct mount_step *add(struct mount_plan *plan, enum mount_op op, const char *target)
{
	struct mount_step *step = &plan->steps[plan->count++];

	step->op = op;
	step->target = target;
	step->source = MOUNT_NO_SOURCE;
	return step;
}

/* Below the /dev that this plan made, with nothing of others mounted over it so far. */
static bool is_fresh(const struct mount_plan *plan, const char *target)
{
	for (size_t i = plan->count; i-- > 0;) {
		const struct mount_step *step = &plan->steps[i];

		if (step->op <= MOUNT_CGROUP && is_below(target, step->target))
			return step->op == MOUNT_NEW && str_equal(step->target, "/dev") &&
			       is_type(step->fstype, "tmpfs") && !step->options.tmpcopyup;
	}
	return false;
}

static int check_target(const struct mount_step *step, bool bind, struct err *e)
{
	if (step->target[1] == '\0')
		return err_set(e, ".mounts[%zu].destination: / is the root itself, set root.path",
			       step->index);
	if (str_equal(step->target, "/proc") && !bind && !is_type(step->fstype, "proc"))
		return err_set(e, ".mounts[%zu].type: \"%s\" at /proc, where only proc can be",
			       step->index, step->fstype ? step->fstype : "sysfs");
	if (!is_below(step->target, "/proc") || (bind && step->over_proc))
		return 0;
	return err_set(e,
		       ".mounts[%zu].destination: %s lies in /proc, where nothing can be mounted "
		       "but bind mounts of a few files like /proc/meminfo",
		       step->index, step->target);
}

static void keep_nodev(const struct planning *p, struct mount_options *o)
{
	if (!p->in->always_nodev)
		return;
	o->set |= MOUNT_ATTR_NODEV;
	o->clear &= ~(uint64_t)MOUNT_ATTR_NODEV;
	o->recursive_clear &= ~(uint64_t)MOUNT_ATTR_NODEV;
	if (o->recursive_bind)
		o->recursive_set |= MOUNT_ATTR_NODEV;
}

/* gid=5 is the machine's tty group; where the container has no such group the kernel refuses the
 * whole mount, and the nodes are root's group then. */
static void drop_unmapped_gid(const struct oci_spec *spec, struct mount_options *o)
{
	size_t kept = 0;
	uint32_t gid, outside;

	if (!(spec->namespaces & 1u << OCI_NS_USER))
		return;
	for (size_t i = 0; i < o->data_count; i++) {
		if (str_starts(o->data[i], "gid=") &&
		    str_to_u32(o->data[i] + strlen("gid="), &gid) &&
		    !idmap_outside(&spec->gid_maps, gid, &outside))
			continue;
		o->data[kept++] = o->data[i];
	}
	o->data_count = kept;
	if (o->data)
		o->data[kept] = NULL;
}

static int plan_idmap(const struct planning *p, struct mount_step *step, const struct oci_mount *m,
		      struct err *e)
{
	if (m->uid_maps || m->gid_maps) {
		if (!m->uid_maps || !m->gid_maps)
			return err_set(e, ".mounts[%zu]: uidMappings and gidMappings go together",
				       step->index);
		step->uid_maps = m->uid_maps;
		step->gid_maps = m->gid_maps;
		if (step->options.idmap == MOUNT_IDMAP_NONE)
			step->options.idmap = MOUNT_IDMAP_ONE;
	} else if (step->options.idmap_text) {
		const struct idmap_pair within = { &p->in->spec->uid_maps, &p->in->spec->gid_maps };
		struct idmap_pair maps;

		if (idmap_parse(&maps, p->arena, step->options.idmap_text, &within, e))
			return err_add(e, ".mounts[%zu].options", step->index);
		step->uid_maps = maps.uids;
		step->gid_maps = maps.gids;
	}
	if (step->options.idmap != MOUNT_IDMAP_NONE && !step->uid_maps && !p->plan->user_ns)
		return err_set(e,
			       ".mounts[%zu].options: idmap needs uidMappings and gidMappings, or "
			       "a user namespace to take them from",
			       step->index);
	return 0;
}

static int plan_bind(struct planning *p, struct mount_step *step, const struct oci_mount *m,
		     struct err *e)
{
	if (p->in->service)
		return err_set(e,
			       ".mounts[%zu].type: \"%s\" is not supported; folders come in as "
			       "volumes",
			       step->index, m->type ? m->type : "bind");
	if (!m->source || !m->source[0])
		return err_set(e, ".mounts[%zu].source: a bind mount needs one", step->index);
	if (step->options.data_count)
		return err_set(e, ".mounts[%zu].options: \"%s\" is no option of a bind mount",
			       step->index, step->options.data[0]);
	if (step->options.tmpcopyup)
		return err_set(e, ".mounts[%zu].options: tmpcopyup is for tmpfs alone",
			       step->index);
	step->op = MOUNT_BIND;
	step->source = p->plan->source_count++;
	step->over_proc = is_among(replaceable, step->target) || str_equal(step->target, "/proc");
	step->nofollow = is_among(kernel_places, step->target);
	keep_nodev(p, &step->options);
	if (str_equal(step->target, "/dev"))
		p->dev_is_bind = true;
	return plan_idmap(p, step, m, e) ? -1 : check_target(step, true, e);
}

/* sysfs and cgroup2 show what a namespace may see; where that namespace is not the container's, a
 * new one would show too much or be refused. */
static void take_from_machine(struct planning *p, struct mount_step *step)
{
	const struct oci_spec *spec = p->in->spec;

	if (is_type(step->fstype, "sysfs") && p->plan->user_ns &&
	    !(spec->namespaces & 1u << OCI_NS_NETWORK)) {
		step->op = MOUNT_SYS;
		step->options.set |= MOUNT_ATTR_RDONLY;
		/* A joined one may belong to the container's user namespace. */
		if (!spec->namespace_paths[OCI_NS_NETWORK])
			step->fstype = NULL;
	} else if (is_type(step->fstype, "cgroup2") && !has_ns(spec, OCI_NS_CGROUP)) {
		step->op = MOUNT_CGROUP;
	} else {
		return;
	}
	step->source = p->plan->source_count++;
}

/* A new mount has nothing below it and nothing to be cleared. */
static void simplify(struct mount_options *o)
{
	o->set = (o->set & ~o->recursive_clear) | o->recursive_set;
	o->clear = o->recursive_set = o->recursive_clear = 0;
}

static int plan_new(struct planning *p, struct mount_step *step, const struct oci_mount *m,
		    struct err *e)
{
	simplify(&step->options);
	if (!m->type)
		return err_set(
			e,
			".mounts[%zu].type: is missing: name a file system, or give a source "
			"for a bind mount",
			step->index);
	if (p->in->service && !is_among(service_types, m->type))
		return err_set(e,
			       ".mounts[%zu].type: \"%s\" is not supported; folders come in as "
			       "volumes",
			       step->index, m->type);
	step->fstype = is_type(m->type, "cgroup") ? "cgroup2" : m->type;
	step->nofollow = is_among(kernel_types, m->type) || is_among(kernel_places, step->target);
	step->fresh = is_fresh(p->plan, step->target);
	/* The nodes of devpts are the kernel's, nobody can make others there, and programs open
	 * them: nodev would take every terminal away. */
	if (!is_type(step->fstype, "devpts"))
		keep_nodev(p, &step->options);
	if (step->options.idmap != MOUNT_IDMAP_NONE || m->uid_maps || m->gid_maps)
		return err_set(e, ".mounts[%zu].options: idmap is for bind mounts alone",
			       step->index);
	if (step->options.tmpcopyup && !is_type(step->fstype, "tmpfs"))
		return err_set(e, ".mounts[%zu].options: tmpcopyup is for tmpfs alone",
			       step->index);
	if (is_type(step->fstype, "devpts"))
		drop_unmapped_gid(p->in->spec, &step->options);
	/* What comes later may need a folder made on it. */
	if (is_type(step->fstype, "tmpfs") && step->options.set & MOUNT_ATTR_RDONLY) {
		step->options.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		step->read_only_last = true;
	}
	take_from_machine(p, step);
	return check_target(step, false, e);
}

static int plan_mount(struct planning *p, size_t index, struct err *e)
{
	const struct oci_mount *m = &p->in->spec->mounts[index];
	struct mount_step *step = &p->plan->steps[p->plan->count];

	step->op = MOUNT_NEW;
	step->target = clean_path(p->arena, m->destination);
	step->from = m->source;
	step->source = MOUNT_NO_SOURCE;
	step->index = index;
	if (mount_options_parse(&step->options, p->arena, m->options, index, e))
		return -1;
	bool bind = is_type(m->type, "bind") || step->options.bind ||
		    step->options.recursive_bind ||
		    ((!m->type || is_type(m->type, "none")) && m->source);

	if (bind ? plan_bind(p, step, m, e) : plan_new(p, step, m, e))
		return -1;
	p->plan->count++;
	/* Its nodes before what lies below it: a bind mount may go over one of them. */
	if (str_equal(step->target, "/dev") && step->op == MOUNT_NEW) {
		struct mount_step *devices = add(p->plan, MOUNT_DEVICES, "/dev");

		devices->nofollow = true;
		devices->fresh = is_type(step->fstype, "tmpfs") && !step->options.tmpcopyup;
		p->has_dev = true;
	}
	return 0;
}

static int plan_volumes(struct planning *p, struct err *e)
{
	for (size_t i = 0; i < p->in->volume_count; i++) {
		const struct box_volume *v = &p->in->volumes[i];
		struct mount_step *step;

		if (v->target[0] != '/' || v->target[1] == '\0')
			return err_set(e, "volume %s: the target must be an absolute path below /",
				       v->name);
		step = add(p->plan, MOUNT_VOLUME, v->target);
		step->volume = i;
		step->source = p->plan->source_count++;
		step->from = v->name;
		step->options.set = MOUNT_ATTR_NODEV | (v->read_only ? MOUNT_ATTR_RDONLY : 0);
	}
	return 0;
}

static void plan_node(struct planning *p, size_t index)
{
	const struct oci_spec *spec = p->in->spec;
	const struct oci_device *node = &spec->devices[index];
	struct mount_step *step;

	/* podman --privileged lists all that the machine has in /dev, ptmx too. */
	if (devices_has_link(node->path))
		return;
	step = add(p->plan, MOUNT_NODE, node->path);
	step->node = node;
	step->index = index;
	step->node_uid = node->uid;
	step->node_gid = node->gid;
	/* Where a joined user namespace is all that is known, the machine's node has to do. */
	if (!p->plan->bind_nodes || node->type == 'p' ||
	    (p->plan->user_ns &&
	     (!idmap_outside(&spec->uid_maps, node->uid, &step->node_uid) ||
	      !idmap_outside(&spec->gid_maps, node->gid, &step->node_gid))))
		return;
	step->made_outside = p->plan->makes_nodes = true;
}

/* A /dev that is the machine's own has its nodes. */
static void plan_devices(struct planning *p)
{
	const struct oci_spec *spec = p->in->spec;

	if (p->dev_is_bind)
		return;
	if (!p->has_dev)
		add(p->plan, MOUNT_DEVICES, "/dev")->nofollow = true;
	for (size_t i = 0; i < spec->device_count; i++)
		plan_node(p, i);
	if (spec->has_process && spec->process.terminal)
		add(p->plan, MOUNT_CONSOLE, "/dev/console");
}

static size_t count_list(const char **list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static void plan_hidden(struct planning *p)
{
	const struct oci_spec *spec = p->in->spec;
	size_t masked = count_list(spec->masked_paths),
	       read_only = count_list(spec->readonly_paths);

	for (size_t i = 0; i < masked; i++)
		add(p->plan, MOUNT_MASK, spec->masked_paths[i]);
	/* Docker lists this one per CPU that the machine has: throttling tells of other tenants'
	 * load. */
	for (unsigned i = 0; p->in->service && masked && i < p->in->cpu_count; i++)
		add(p->plan, MOUNT_MASK,
		    arena_format(p->arena, "/sys/devices/system/cpu/cpu%u/thermal_throttle", i));
	for (size_t i = 0; i < read_only; i++)
		add(p->plan, MOUNT_READ_ONLY, spec->readonly_paths[i]);
}

static void plan_read_only(struct planning *p)
{
	size_t made = p->plan->count;

	for (size_t i = 0; i < made; i++)
		if (p->plan->steps[i].read_only_last)
			add(p->plan, MOUNT_SET, p->plan->steps[i].target)->options.set =
				MOUNT_ATTR_RDONLY;
	if (p->in->spec->root_readonly)
		add(p->plan, MOUNT_ROOT_READ_ONLY, "/");
}

int mount_plan_make(struct mount_plan *plan, struct arena *a, const struct mount_plan_input *in,
		    struct err *e)
{
	const struct oci_spec *spec = in->spec;
	struct planning p = { .plan = plan, .arena = a, .in = in };
	/* A mount may be /dev, which brings its nodes, and may become read-only at the end. */
	size_t most = 3 * spec->mount_count + in->volume_count + spec->device_count +
		      in->cpu_count + count_list(spec->masked_paths) +
		      count_list(spec->readonly_paths) + 3;

	*plan = (struct mount_plan){
		.steps = arena_array(a, most, sizeof(*plan->steps)),
		.root_path = in->service ? NULL : spec->root_path,
		.root_propagation = spec->rootfs_propagation,
		.user_ns = has_ns(spec, OCI_NS_USER),
		.bind_nodes = in->always_nodev || has_ns(spec, OCI_NS_USER),
	};
	if (!plan->root_propagation)
		plan->root_propagation = MS_PRIVATE | MS_REC;
	for (size_t i = 0; i < spec->mount_count; i++)
		if (plan_mount(&p, i, e))
			return -1;
	if (plan_volumes(&p, e))
		return -1;
	plan_devices(&p);
	plan_hidden(&p);
	plan_read_only(&p);
	return 0;
}

static void print_step(const struct mount_step *step, struct buf *out)
{
	buf_add_format(out, "%s %s", op_names[step->op], step->target);
	if (step->op == MOUNT_NEW)
		buf_add_format(out, " %s", step->fstype);
	if ((step->op == MOUNT_BIND || step->op == MOUNT_VOLUME) && step->from)
		buf_add_format(out, " %s", step->from);
	if (step->op == MOUNT_NODE)
		buf_add_format(out, " %c %u:%u %04o %u:%u", step->node->type, step->node->major,
			       step->node->minor, step->node->mode, step->node->uid,
			       step->node->gid);
	mount_options_print(&step->options, out);
	for (size_t k = 0; k < step->options.data_count; k++)
		buf_add_format(out, " %s", step->options.data[k]);
	buf_add_str(out, "\n");
}

void mount_plan_print(const struct mount_plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->count; i++)
		print_step(&plan->steps[i], out);
}
