/* plan_service.c - what the service demands beyond the specification; see plan.h */
#include <stdio.h>

#include "box/plan.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_seccomp.h"

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
static int check_undone(const struct box_plan *plan, struct err *e)
{
	const struct oci_spec *spec = plan->spec;
	const struct oci_process *p = &spec->process;
	size_t hooks = 0;

	for (unsigned i = 0; i < OCI_HOOKS; i++)
		hooks += spec->hooks[i].count;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespace_paths[i] && !(i == OCI_NS_NETWORK && plan->shares_network))
			return err_set(e, ".linux.namespaces: none can be joined here");
	const struct {
		bool given;
		const char *path;
	} members[] = {
		{ hooks, ".hooks" },
		{ spec->domainname, ".domainname" },
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

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
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

	if (plan->cgroup.count && !spec->cgroups_path)
		return err_set(e, ".linux.resources: limits need a cgroupsPath");
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(spec->namespaces & 1u << needed[i]))
			return err_set(e, ".linux.namespaces: a %s namespace is required here",
				       oci_namespace_name(needed[i]));
	if (check_maps(&spec->uid_maps, &spec->gid_maps, e) || check_undone(plan, e))
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
