/* plan.c - see plan.h */
#include "box/plan.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_seccomp.h"

static const uint64_t clone_flags[] = {
	[OCI_NS_USER] = CLONE_NEWUSER, [OCI_NS_PID] = CLONE_NEWPID, [OCI_NS_MOUNT] = CLONE_NEWNS,
	[OCI_NS_UTS] = CLONE_NEWUTS, [OCI_NS_IPC] = CLONE_NEWIPC, [OCI_NS_CGROUP] = 0,
	[OCI_NS_NETWORK] = CLONE_NEWNET, [OCI_NS_TIME] = 0,
};
_Static_assert(sizeof(clone_flags) / sizeof(clone_flags[0]) == OCI_NAMESPACES, "one per namespace");

/* sysctls that belong to a namespace, and to which; everything else is the machine's. */
static const struct {
	const char *prefix;
	enum oci_namespace ns;
} sysctls[] = {
	{ "fs.mqueue.", OCI_NS_IPC },	 { "kernel.msg", OCI_NS_IPC }, { "kernel.sem", OCI_NS_IPC },
	{ "kernel.shm", OCI_NS_IPC },	 { "net.", OCI_NS_NETWORK },   { "user.", OCI_NS_USER },
	{ "kernel.domainname", OCI_NS_UTS },
};

static int check_sysctl(const struct oci_spec *spec, const struct oci_pair *pair, struct err *e)
{
	if (strchr(pair->key, '/') || strstr(pair->key, ".."))
		return err_set(e, ".linux.sysctl.%s: not a dotted name", pair->key);
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		if (str_starts(pair->key, sysctls[i].prefix)) {
			if (spec->namespaces & 1u << sysctls[i].ns)
				return 0;
			return err_set(e, ".linux.sysctl.%s: needs a %s namespace of its own",
				       pair->key, oci_namespace_name(sysctls[i].ns));
		}
	return err_set(e, ".linux.sysctl.%s: belongs to the whole machine, not to a container",
		       pair->key);
}

int box_plan_make(struct box_plan *plan, struct arena *a, unsigned cpu_count, struct err *e)
{
	const struct oci_spec *spec = plan->spec;

	plan->clone_flags = 0;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespaces & 1u << i)
			plan->clone_flags |= clone_flags[i];
	if (cgroup_values_make(&plan->cgroup, a, &spec->resources, e))
		return -1;
	if (plan->cgroup.count && !spec->cgroups_path)
		return err_set(e, ".linux.resources: limits need a cgroupsPath");
	for (size_t i = 0; i < spec->sysctl_count; i++)
		if (check_sysctl(spec, &spec->sysctl[i], e))
			return -1;
	if (plan->log_bytes == 0)
		plan->log_bytes = BOX_LOG_BYTES;
	const struct mount_plan_input mounts = {
		.spec = spec,
		.volumes = plan->volumes,
		.volume_count = plan->volume_count,
		.cpu_count = cpu_count,
		.always_nodev = plan->policy.always_nodev,
		.service = plan->policy.service,
	};

	return mount_plan_make(&plan->mounts, a, &mounts, e);
}

static int check_maps(const struct oci_id_maps *uids, const struct oci_id_maps *gids, struct err *e)
{
	const struct oci_id_map *u = &uids->items[0], *g = &gids->items[0];

	if (uids->count != 1 || gids->count != 1 || u->container_id != 0 ||
	    u->size != BOX_ID_RANGE || u->host_id < BOX_ID_BASE || u->host_id % BOX_ID_RANGE != 0 ||
	    g->container_id != 0 || g->size != BOX_ID_RANGE || g->host_id != u->host_id)
		return err_set(e,
			       ".linux.uidMappings, gidMappings: must be one line, 0 to a multiple "
			       "of %d from %d on",
			       BOX_ID_RANGE, BOX_ID_BASE);
	return 0;
}

/* What the reader knows and the service does not do: refused, never silently left out. */
static int check_undone(const struct oci_spec *spec, struct err *e)
{
	const struct oci_process *p = &spec->process;
	size_t hooks = 0;

	for (unsigned i = 0; i < OCI_HOOKS; i++)
		hooks += spec->hooks[i].count;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespace_paths[i])
			return err_set(e, ".linux.namespaces: none can be joined here");
	const struct {
		bool given;
		const char *path;
	} members[] = {
		{ hooks, ".hooks" },
		{ spec->domainname, ".domainname" },
		{ p->terminal, ".process.terminal" },
		{ p->scheduler, ".process.scheduler" },
		{ p->io_priority, ".process.ioPriority" },
		{ spec->device_count, ".linux.devices" },
		{ spec->net_device_count, ".linux.netDevices" },
		{ spec->resources.device_count, ".linux.resources.devices" },
		{ spec->namespaces & 1u << OCI_NS_TIME, ".linux.namespaces: time" },
		{ spec->has_personality, ".linux.personality" },
		{ spec->memory_policy, ".linux.memoryPolicy" },
		{ spec->rootfs_propagation, ".linux.rootfsPropagation" },
		{ spec->seccomp && spec->seccomp->listener_path, ".linux.seccomp.listenerPath" },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].given)
			return err_set(e, "%s: not supported here", members[i].path);
	return 0;
}

int box_plan_check_service(const struct box_plan *plan, struct err *e)
{
	static const enum oci_namespace needed[] = { OCI_NS_USER, OCI_NS_PID, OCI_NS_MOUNT,
						     OCI_NS_UTS, OCI_NS_IPC };
	const struct oci_spec *spec = plan->spec;
	char path[128];

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(spec->namespaces & 1u << needed[i]))
			return err_set(e, ".linux.namespaces: a %s namespace is required here",
				       oci_namespace_name(needed[i]));
	if (check_maps(&spec->uid_maps, &spec->gid_maps, e) || check_undone(spec, e))
		return -1;
	snprintf(path, sizeof(path), "/box/%s", plan->name);
	if (spec->cgroups_path && !str_equal(spec->cgroups_path, path))
		return err_set(e, ".linux.cgroupsPath: must be %s here", path);
	if (spec->cgroups_path && !(spec->namespaces & 1u << OCI_NS_CGROUP))
		return err_set(e, ".linux.namespaces: a cgroup namespace is required here");
	if (!spec->seccomp && !spec->seccomp_default)
		return err_set(e, ".linux.seccomp: a profile is required here");
	return 0;
}

static void print_caps(const char *set, uint64_t mask, struct buf *out)
{
	buf_add_format(out, "caps %s", set);
	for (unsigned i = 0; i < OCI_CAPS; i++)
		if (mask & 1ull << i)
			buf_add_format(out, " %s", oci_cap_name(i) + strlen("CAP_"));
	buf_add_str(out, "\n");
}

static void print_maps(const char *what, const struct oci_id_maps *maps, struct buf *out)
{
	for (size_t i = 0; i < maps->count; i++)
		buf_add_format(out, "%s %u %u %u\n", what, maps->items[i].container_id,
			       maps->items[i].host_id, maps->items[i].size);
}

static void print_process(const struct oci_process *p, struct buf *out)
{
	buf_add_str(out, "exec");
	for (size_t i = 0; p->args && p->args[i]; i++)
		buf_add_format(out, " %s", p->args[i]);
	buf_add_format(out, "\ncwd %s\nuser %u:%u", p->cwd, p->user.uid, p->user.gid);
	for (size_t i = 0; i < p->user.group_count; i++)
		buf_add_format(out, " %u", p->user.groups[i]);
	buf_add_str(out, "\n");
	print_caps("bounding", p->caps.bounding, out);
	print_caps("effective", p->caps.effective, out);
	print_caps("permitted", p->caps.permitted, out);
	print_caps("inheritable", p->caps.inheritable, out);
	print_caps("ambient", p->caps.ambient, out);
	for (size_t i = 0; i < p->rlimit_count; i++)
		buf_add_format(out, "rlimit %s %llu %llu\n",
			       oci_rlimit_name(p->rlimits[i].resource),
			       (unsigned long long)p->rlimits[i].soft,
			       (unsigned long long)p->rlimits[i].hard);
	buf_add_format(out, "no-new-privs %s\n", p->no_new_privs ? "yes" : "no");
}

void box_plan_print(const struct box_plan *plan, struct buf *out)
{
	const struct oci_spec *spec = plan->spec;

	buf_add_format(out, "box %s\nimage %s\nnamespaces", plan->name, plan->image);
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespaces & 1u << i)
			buf_add_format(out, " %s", oci_namespace_name(i));
	buf_add_str(out, "\n");
	print_maps("uids", &spec->uid_maps, out);
	print_maps("gids", &spec->gid_maps, out);
	if (spec->cgroups_path)
		buf_add_format(out, "cgroup %s\n", spec->cgroups_path);
	for (size_t i = 0; i < plan->cgroup.count; i++)
		buf_add_format(out, "limit %s %s\n", plan->cgroup.items[i].file,
			       plan->cgroup.items[i].text);
	if (spec->hostname)
		buf_add_format(out, "hostname %s\n", spec->hostname);
	mount_plan_print(&plan->mounts, out);
	for (size_t i = 0; i < spec->sysctl_count; i++)
		buf_add_format(out, "sysctl %s %s\n", spec->sysctl[i].key, spec->sysctl[i].value);
	buf_add_format(out, "seccomp %s\n",
		       spec->seccomp_default ? "default"
		       : spec->seccomp	     ? "own"
					     : "none");
	print_process(&spec->process, out);
}
