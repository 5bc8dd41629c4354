/* plan.c - see plan.h */
#include "box/plan.h"

#include <string.h>

#include "box/ns.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"

/* sysctls that belong to a namespace, and to which; everything else is the machine's. A prefix ends
 * with a dot or an asterisk. Source: the kernel's admin-guide/sysctl and namespaces(7). */
static const struct {
	const char *name;
	enum oci_namespace ns;
} sysctls[] = {
	{ "fs.mqueue.", OCI_NS_IPC },	     { "kernel.domainname", OCI_NS_UTS },
	{ "kernel.msg*", OCI_NS_IPC },	     { "kernel.sem", OCI_NS_IPC },
	{ "kernel.sem_next_id", OCI_NS_IPC }, { "kernel.shm*", OCI_NS_IPC },
	{ "net.", OCI_NS_NETWORK },	     { "user.", OCI_NS_USER },
};

static bool has(const struct oci_spec *spec, enum oci_namespace ns)
{
	return spec->namespaces & 1u << ns || spec->namespace_paths[ns];
}

static bool sysctl_matches(const char *key, const char *name)
{
	size_t size = strlen(name);

	if (name[size - 1] == '*')
		return strncmp(key, name, size - 1) == 0 && !strchr(key + size - 1, '.');
	return name[size - 1] == '.' ? str_starts(key, name) : str_equal(key, name);
}

/* With dots between, as sysctl.d(5) reads both ways of writing. */
static const char *dotted(struct arena *a, const char *key)
{
	char *name = arena_str(a, key);

	for (char *c = name; key[strcspn(key, "./")] == '/' && *c; c++)
		if (*c == '/')
			*c = '.';
	return name;
}

static int check_sysctl(const struct oci_spec *spec, const struct oci_pair *pair, const char *key,
			unsigned *namespaces, struct err *e)
{
	if (strstr(key, "..") || strstr(key, "//") || key[0] == '.' || key[0] == '/')
		return err_set(e, ".linux.sysctl.%s: not a dotted name", pair->key);
	if (str_equal(key, "kernel.hostname"))
		return err_set(e, ".linux.sysctl.kernel.hostname: is what .hostname is for");
	for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++)
		if (sysctl_matches(key, sysctls[i].name)) {
			*namespaces |= 1u << sysctls[i].ns;
			if (has(spec, sysctls[i].ns))
				return 0;
			return err_set(e, ".linux.sysctl.%s: needs a %s namespace of its own",
				       pair->key, oci_namespace_name(sysctls[i].ns));
		}
	return err_set(e, ".linux.sysctl.%s: belongs to the whole machine, not to a container",
		       pair->key);
}

/* What makes sense only in a namespace of the container's. */
static int check_namespaces(const struct oci_spec *spec, struct err *e)
{
	if (!has(spec, OCI_NS_MOUNT))
		return err_set(e,
			       ".linux.namespaces: a mount namespace is required: the root would "
			       "become the machine's own");
	if (spec->namespace_paths[OCI_NS_MOUNT] && spec->mount_count)
		return err_set(e,
			       ".mounts: a mount namespace that is joined has its mounts already");
	if (spec->hostname && !has(spec, OCI_NS_UTS))
		return err_set(e, ".hostname: needs a uts namespace");
	if (spec->domainname && !has(spec, OCI_NS_UTS))
		return err_set(e, ".domainname: needs a uts namespace");
	if ((spec->time_monotonic.given || spec->time_boottime.given) &&
	    !(spec->namespaces & 1u << OCI_NS_TIME))
		return err_set(e, ".linux.timeOffsets: need a new time namespace");
	if (spec->namespaces & 1u << OCI_NS_USER &&
	    (!spec->uid_maps.count || !spec->gid_maps.count))
		return err_set(e,
			       ".linux.uidMappings, gidMappings: a new user namespace needs both");
	return 0;
}

/* The cgroup namespace's root is where its maker is; and /dev/mqueue, which is made with its ipc
 * namespace, belongs to its maker: to nobody as long as the ids are not mapped. */
static bool is_late(const struct oci_spec *spec, enum oci_namespace ns)
{
	return ns == OCI_NS_CGROUP || (ns == OCI_NS_IPC && has(spec, OCI_NS_USER));
}

int box_plan_make(struct box_plan *plan, struct arena *a, unsigned cpu_count, struct err *e)
{
	const struct oci_spec *spec = plan->spec;
	const struct mount_plan_input mounts = {
		.spec = spec,
		.volumes = plan->volumes,
		.volume_count = plan->volume_count,
		.cpu_count = cpu_count,
		.always_nodev = plan->policy.always_nodev,
		.service = plan->policy.service,
	};

	if (check_namespaces(spec, e))
		return -1;
	plan->clone_flags = plan->late_flags = 0;
	plan->sysctl_namespaces = 0;
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespaces & 1u << i)
			*(is_late(spec, i) ? &plan->late_flags : &plan->clone_flags) |= ns_flag(i);
	if (cgroup_values_make(&plan->cgroup, a, &spec->resources, e))
		return -1;
	plan->scope.unit = NULL;
	if (plan->policy.systemd &&
	    systemd_scope_make(&plan->scope, a, spec, plan->name, plan->policy.systemd_user,
			       &plan->cgroup, e))
		return -1;
	for (size_t i = 0; i < spec->sysctl_count; i++)
		if (check_sysctl(spec, &spec->sysctl[i], dotted(a, spec->sysctl[i].key),
				 &plan->sysctl_namespaces, e))
			return -1;
	if (plan->log_bytes == 0)
		plan->log_bytes = BOX_LOG_BYTES;
	return mount_plan_make(&plan->mounts, a, &mounts, e);
}
